//! Hashes here were made by other implementations (Python's bcrypt and argon2) unless stated.

use super::*;

const PASSWORD: &str = "correct horse battery";
const ARGON2: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$EqVVAg6Cb6TYNViCT/TAXQ$bOVECV8ZHnYbvsY0jxILpcT+RMwDnByme4P+SqaDHqw";
const WEAK_ARGON2: &str =
    "$argon2id$v=19$m=8192,t=1,p=1$MqUkjMLpGy74MwNWpWdTLQ$eCWRg63RMYL9F/yBJBKouUpKCeMB10yf8/tgBxuIMUI";
const BCRYPT_2A: &str = "$2a$04$ufWz7DNM44NDCf2Vh6ZLzOoUznpxchBEkBl5cj1OM3kPiGxFPHT5C";
const BCRYPT_2B: &str = "$2b$04$g0eDEkcF/ZCwa4/UEORsc.LgHDN6RFTUplSw9qf8dCr4HFxRlJVbu";
/// The digest of this one has a NUL byte in its middle.
const NUL_PASSWORD: &str = "correct horse 9";
const SHA256: &str = "bcrypt_sha256$$2b$04$JsA2c4s9nzCOIi4yIE1McevqacnwkXIf1fmHFrtIObxRy2rqZVwGu";
const SHA256_TEXT: &str = "bcrypt_sha256b64$$2b$04$JsA2c4s9nzCOIi4yIE1MceUIVs54EFDn..GCKIi9p14nrPCCMpjWC";
/// Of 72 times the letter x.
const LONG_BCRYPT: &str = "$2b$04$Nruk.lg6VK1UYWfyiN/AMOoeVHa.S3X22DEkeFs5qcj7ZjOiKdWpq";

fn refused(candidate: &str) -> Option<Weakness> {
    check(candidate, "maximiliana@example.com", "Contoso Service Desk").err()
}

#[test]
fn length_is_counted_in_characters_after_composition() {
    assert_eq!(refused("elevenchars"), Some(Weakness::TooShort));
    assert_eq!(refused("twelve chars"), None);
    assert_eq!(refused(&"\u{fc}".repeat(128)), None);
    assert_eq!(refused(&"\u{fc}".repeat(129)), Some(Weakness::TooLong));
    assert_eq!(refused(&"u\u{308}".repeat(128)), None);
    assert_eq!(refused(&"u\u{308}".repeat(11)), Some(Weakness::TooShort));
    assert_eq!(refused(&"x".repeat(2_000_000)), Some(Weakness::TooLong));
}

#[test]
fn nothing_is_said_about_composition() {
    for fine in ["aaaaaaaaaaaa", "            ", "correct horse battery", "\u{1f511}\u{1f511}and ten more"] {
        assert_eq!(refused(fine), None, "{fine}");
    }
}

#[test]
fn one_s_own_address_and_the_portal_name_are_refused() {
    for own in ["maximiliana@example.com", "Maximiliana@Example.COM"] {
        assert_eq!(refused(own), Some(Weakness::Email), "{own}");
    }
    assert_eq!(check("maximilianaX", "maximilianax@example.com", "x"), Err(Weakness::Email));
    assert_eq!(refused("contoso service desk"), Some(Weakness::PortalName));
    assert_eq!(refused("contoso service desk!"), None);
}

#[test]
fn common_passwords_are_refused_in_any_case() {
    for common in [
        "qwerty123456",
        "123qweasdzxc",
        "sonyericsson",
        "SonyEricsson",
        "leavemealone",
        "1qaz2wsx3edc",
        "password1234",
        "gfhjkmgfhjkm",
        "ghjcnjghjcnj",
    ] {
        assert_eq!(refused(common), Some(Weakness::Common), "{common}");
    }
    for longer in ["leavemealone please", "xleavemealone", "l3avem3alon3"] {
        assert_eq!(refused(longer), None, "{longer}");
    }
}

#[test]
fn every_refusal_says_what_to_do() {
    for weakness in [Weakness::TooShort, Weakness::TooLong, Weakness::Common, Weakness::Email, Weakness::PortalName] {
        assert!(weakness.message().starts_with(|c: char| c.is_uppercase()));
        assert_eq!(weakness.to_string(), weakness.message());
    }
}

#[tokio::test]
async fn a_new_hash_is_argon2id_and_verifies() {
    let stored = hash(PASSWORD).await.unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    assert_ne!(stored, hash(PASSWORD).await.unwrap());
    assert_eq!(verify(PASSWORD, Some(&stored)).await, Verdict::Right);
    assert_eq!(verify("correct horse batterx", Some(&stored)).await, Verdict::Wrong);
}

#[tokio::test]
async fn composed_and_decomposed_forms_are_one_password() {
    let stored = hash("Zoe\u{308} lives here").await.unwrap();
    assert_eq!(verify("Zo\u{eb} lives here", Some(&stored)).await, Verdict::Right);
    let imported = bcrypt::hash("Zo\u{eb} lives here", 4).unwrap();
    assert_eq!(verify("Zoe\u{308} lives here", Some(&imported)).await, Verdict::RightButRehash);
}

#[tokio::test]
async fn every_imported_form_is_verified_and_due_for_a_new_hash() {
    for (password, stored) in [
        (PASSWORD, WEAK_ARGON2),
        (PASSWORD, BCRYPT_2A),
        (PASSWORD, BCRYPT_2B),
        (NUL_PASSWORD, SHA256),
        (NUL_PASSWORD, &SHA256.replacen("$$", "$", 1)),
        (NUL_PASSWORD, SHA256_TEXT),
    ] {
        assert_eq!(verify(password, Some(stored)).await, Verdict::RightButRehash, "{stored}");
        assert_eq!(verify("something else", Some(stored)).await, Verdict::Wrong, "{stored}");
    }
    assert_eq!(verify(PASSWORD, Some(ARGON2)).await, Verdict::Right);
    let y = BCRYPT_2B.replacen("2b", "2y", 1);
    assert_eq!(verify(PASSWORD, Some(&y)).await, Verdict::RightButRehash);
}

#[tokio::test]
async fn plain_bcrypt_reads_72_bytes() {
    assert_eq!(verify(&"x".repeat(72), Some(LONG_BCRYPT)).await, Verdict::RightButRehash);
    assert_eq!(verify(&"x".repeat(100), Some(LONG_BCRYPT)).await, Verdict::RightButRehash);
    assert_eq!(verify(&"x".repeat(71), Some(LONG_BCRYPT)).await, Verdict::Wrong);
}

#[tokio::test]
async fn what_cannot_be_verified_is_wrong_and_never_an_error() {
    let absurd = ARGON2.replace("m=19456", "m=4194304");
    let costly = BCRYPT_2B.replacen("$04$", "$31$", 1);
    let cut = &ARGON2[..60];
    let damaged = BCRYPT_2B.replace('/', "\u{e9}");
    for stored in [
        "",
        "x",
        "$",
        "$argon2id$",
        "$2b$",
        "$2x$04$abc",
        "bcrypt_sha256$",
        "bcrypt_sha256b64$x",
        PASSWORD,
        &absurd,
        &costly,
        cut,
        &damaged,
    ] {
        assert_eq!(verify(PASSWORD, Some(stored)).await, Verdict::Wrong, "{stored}");
    }
    assert_eq!(verify(PASSWORD, None).await, Verdict::Wrong);
    assert_eq!(verify(&"x".repeat(129), Some(LONG_BCRYPT)).await, Verdict::Wrong);
}

#[tokio::test]
async fn nobody_costs_the_work_of_somebody() {
    let nobody = Stored::parse(NOBODY).unwrap();
    assert!(!nobody.is_dated());
    assert_eq!(nobody.matches(PASSWORD), Some(false));
}

#[tokio::test]
async fn a_third_hash_waits_for_a_place() {
    let places = HASHING.acquire_many(2).await.unwrap();
    let waiting = tokio::time::timeout(std::time::Duration::from_millis(100), verify(PASSWORD, Some(ARGON2)));
    assert!(waiting.await.is_err());
    drop(places);
    assert_eq!(verify(PASSWORD, Some(ARGON2)).await, Verdict::Right);
}

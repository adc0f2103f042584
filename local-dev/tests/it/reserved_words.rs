//! No name in the schema is a reserved word of MySQL 8, MySQL 9 or MariaDB.

use std::collections::BTreeSet;

/// Reserved words of MySQL up to 9, with the reserved words that MariaDB adds.
const RESERVED: &str = "
    accessible add all alter analyze and as asc asensitive before between bigint binary blob both by call cascade
    case change char character check collate column condition constraint continue convert create cross cube
    cume_dist current_date current_time current_timestamp current_user cursor database databases day_hour
    day_microsecond day_minute day_second dec decimal declare default delayed delete dense_rank desc describe
    deterministic distinct distinctrow div double drop dual each else elseif empty enclosed escaped except exists
    exit explain false fetch first_value float float4 float8 for force foreign from fulltext function generated get
    grant group grouping groups having high_priority hour_microsecond hour_minute hour_second if ignore in index
    infile inner inout insensitive insert int int1 int2 int3 int4 int8 integer intersect interval into io_after_gtids
    io_before_gtids is iterate join json_table key keys kill lag last_value lateral lead leading leave left library
    like limit linear lines load localtime localtimestamp lock long longblob longtext loop low_priority manual
    master_bind master_ssl_verify_server_cert match maxvalue mediumblob mediumint mediumtext middleint
    minute_microsecond minute_second mod modifies natural not no_write_to_binlog nth_value ntile null numeric of on
    optimize optimizer_costs option optionally or order out outer outfile over parallel partition percent_rank
    precision primary procedure purge qualify range rank read reads read_write real recursive references regexp
    release rename repeat replace require resignal restrict return revoke right rlike row row_number rows schema
    schemas second_microsecond select sensitive separator set sets show signal smallint spatial specific sql
    sqlexception sqlstate sqlwarning sql_big_result sql_calc_found_rows sql_small_result ssl starting stored
    straight_join system table tablesample terminated then tinyblob tinyint tinytext to trailing trigger true undo
    union unique unlock unsigned update usage use using utc_date utc_time utc_timestamp values varbinary varchar
    varcharacter varying virtual when where while window with write xor year_month zerofill
    current_role do_domain_ids general ignore_domain_ids ignore_server_ids master_heartbeat_period offset
    page_checksum parse_vcol_expr ref_system_id returning row_number slow stats_auto_recalc stats_persistent
    stats_sample_pages vector conversion to_date sysdate";

/// Names of tables, columns, constraints and indexes, as the schema for MySQL writes them.
fn names() -> BTreeSet<String> {
    let schema = shared::db::print_mysql();
    let mut names = BTreeSet::new();
    for line in schema.lines() {
        let words: Vec<&str> = line.split([' ', '(', ')', ',']).filter(|word| !word.is_empty()).collect();
        match words[..] {
            ["CREATE", "TABLE", name, ..]
            | ["CREATE", "INDEX", name, ..]
            | ["CREATE", "UNIQUE" | "FULLTEXT", "INDEX", name, ..]
            | ["CONSTRAINT", name, ..] => {
                names.insert(name.to_owned());
            }
            [name, kind, ..] if line.starts_with("    ") && is_type(kind) => {
                names.insert(name.to_owned());
            }
            _ => {}
        }
    }
    names
}

fn is_type(word: &str) -> bool {
    ["BIGINT", "VARCHAR", "CHAR", "BOOLEAN", "DATETIME", "DATE", "MEDIUMTEXT", "DOUBLE", "BLOB", "LONGBLOB"]
        .contains(&word)
}

#[test]
fn no_name_is_reserved() {
    let reserved: BTreeSet<&str> = RESERVED.split_whitespace().collect();
    let names = names();
    assert!(names.len() > 300, "only {} names were found", names.len());
    let bad: Vec<&String> = names.iter().filter(|name| reserved.contains(name.to_lowercase().as_str())).collect();
    assert!(bad.is_empty(), "reserved words of MySQL or MariaDB: {bad:?}");
}

#[test]
fn names_are_short_and_plain() {
    for name in names() {
        let is_plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        assert!(is_plain && name.len() <= 64, "{name} is no name for every engine");
    }
}

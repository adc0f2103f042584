//! Who is in the demo. All names and addresses are made up; `.example` belongs to nobody.

/// A company.
#[derive(Debug, Clone, Copy)]
pub struct Company {
    /// Short name, also of its addresses.
    pub key: &'static str,
    pub name: &'static str,
    pub address: &'static str,
    pub phone: &'static str,
    pub is_vip: bool,
}

/// A person of a company.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    /// Short name, as the stories use it.
    pub key: &'static str,
    pub first: &'static str,
    pub last: &'static str,
    pub company: &'static str,
    /// Name of a role, or `super admin`.
    pub role: &'static str,
}

impl Person {
    /// first.last@company.example
    pub fn email(&self) -> String {
        let name = format!("{}.{}", self.first, self.last).to_lowercase().replace([' ', '\''], "");
        format!("{name}@{}.example", self.company)
    }
}

const fn company(
    key: &'static str,
    name: &'static str,
    address: &'static str,
    phone: &'static str,
    is_vip: bool,
) -> Company {
    Company { key, name, address, phone, is_vip }
}

const fn person(
    key: &'static str,
    first: &'static str,
    last: &'static str,
    company: &'static str,
    role: &'static str,
) -> Person {
    Person { key, first, last, company, role }
}

/// The provider first.
pub const COMPANIES: [Company; 7] = [
    company("northstar", "Northstar IT", "4 Wharf Street, Leeds LS2 7EQ", "+44 113 496 0110", false),
    company("northwind", "Northwind Dental", "18 Park Row, Leeds LS1 5HD", "+44 113 496 0121", false),
    company("kestrel", "Kestrel Logistics", "Unit 9, Cross Green Way, Leeds LS9 0SE", "+44 113 496 0134", false),
    company("harbour", "Harbour & Sons", "2 Staith Lane, Whitby YO21 3PU", "+44 1947 496 015", false),
    company("alder", "Alder Primary School", "Mill Lane, Otley LS21 1LT", "+44 1943 496 016", false),
    company("brightware", "Bright & Ware Solicitors", "31 Stonegate, York YO1 8AW", "+44 1904 496 017", true),
    company("pinecroft", "Pinecroft Garden Centre", "Ripon Road, Harrogate HG1 2BX", "+44 1423 496 018", false),
];

const DESK: &str = "Helpdesk technician";

/// Reads the tickets of the whole company and raises them for colleagues.
pub const CONTACT: &str = "Ticket contact";

/// The administrator first.
pub const PEOPLE: [Person; 24] = [
    person("olivia", "Olivia", "Grant", "northstar", "super admin"),
    person("ben", "Ben", "Carter", "northstar", DESK),
    person("grace", "Grace", "Lin", "northstar", DESK),
    person("dev", "Dev", "Patel", "northstar", DESK),
    person("eva", "Eva", "Novak", "northstar", DESK),
    person("helen", "Helen", "Marsh", "northwind", "Owner"),
    person("tom", "Tom", "Avery", "northwind", CONTACT),
    person("priya", "Priya", "Nair", "northwind", "Member"),
    person("marek", "Marek", "Dvorak", "kestrel", "Owner"),
    person("sian", "Sian", "Hughes", "kestrel", "Administrator"),
    person("joe", "Joe", "Banner", "kestrel", "Member"),
    person("lena", "Lena", "Fischer", "kestrel", "Member"),
    person("william", "William", "Harbour", "harbour", "Owner"),
    person("kate", "Kate", "Doyle", "harbour", "Administrator"),
    person("finn", "Finn", "Olsen", "harbour", "Member"),
    person("ruth", "Ruth", "Okafor", "alder", "Owner"),
    person("simon", "Simon", "Bell", "alder", "Administrator"),
    person("mei", "Mei", "Tanaka", "alder", "Member"),
    person("caroline", "Caroline", "Ware", "brightware", "Owner"),
    person("daniel", "Daniel", "Price", "brightware", "Member"),
    person("yusuf", "Yusuf", "Demir", "brightware", "Member"),
    person("george", "George", "Pine", "pinecroft", "Owner"),
    person("abby", "Abby", "Nolan", "pinecroft", "Member"),
    person("luca", "Luca", "Ricci", "pinecroft", "Member"),
];

/// One person of each kind, for the note at the end.
pub fn doors() -> impl Iterator<Item = (String, String)> {
    ["olivia", "grace", "caroline", "tom", "priya"].into_iter().filter_map(|key| {
        let person = PEOPLE.iter().find(|person| person.key == key)?;
        let company = COMPANIES.iter().find(|company| company.key == person.company)?;
        let what = match person.role {
            "super admin" => "super administrator".to_owned(),
            "Owner" => format!("company admin of {}", company.name),
            DESK => "technician".to_owned(),
            CONTACT => format!("sees the tickets of everybody at {}", company.name),
            _ => format!("member of {}", company.name),
        };
        Some((person.email(), what))
    })
}

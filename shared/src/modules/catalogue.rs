//! The modules that exist, and their settings (automation 5.3, tickets 9.1 and 10.1).

use super::Slug;
use super::field::{Field, Kind};

/// What the code says about a module.
#[derive(Debug)]
pub struct Entry {
    /// Which one.
    pub slug: Slug,
    /// For people.
    pub name: &'static str,
    /// One sentence.
    pub description: &'static str,
    /// As the API gives it.
    pub emoji: &'static str,
    /// In the sprite of the pages.
    pub icon: &'static str,
    /// The other side's own documentation.
    pub documentation: &'static str,
    /// In the order of the form.
    pub fields: &'static [Field],
    /// On as soon as the environment has all that is required, until somebody decides otherwise.
    pub is_on_when_set: bool,
    /// The test says something while the module is off.
    pub tests_when_off: bool,
}

impl Entry {
    /// One of its settings.
    pub fn field(&self, key: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.key == key)
    }
}

const OLLAMA: &[Field] = &[
    Field::new("base_url", "Address", Kind::Address)
        .or("http://127.0.0.1:11434")
        .from("OLLAMA_BASE_URL")
        .required()
        .help("This host may lie in an internal network."),
    Field::new("model", "Model", Kind::Text(128)).or("llama3").from("OLLAMA_MODEL").required(),
    Field::new("prompt", "Default prompt", Kind::LongText(4000)).help("For automation steps that bring none."),
    Field::new("timeout_seconds", "Longest wait in seconds", Kind::Whole(5, 300)).or("120"),
    Field::new("embedding_model", "Embedding model", Kind::Text(128))
        .help("Used by the search of the knowledge base when set."),
    Field::new("auth_token", "Token", Kind::Text(512))
        .secret()
        .help("Sent as a bearer token, for servers behind a proxy."),
    Field::new("include_emails", "Send email addresses to the model", Kind::Switch).or("false"),
];

const SMTP: &[Field] = &[
    Field::new("from_address", "Sender", Kind::Mailbox).help("Blank: the sender of all mails of the portal."),
    Field::new("default_recipients", "Default recipients", Kind::Mails)
        .from("SMTP_DEFAULT_RECIPIENTS")
        .help("For automation steps that name nobody; separate with commas."),
    Field::new("subject_prefix", "Subject prefix", Kind::Text(64)),
];

const TACTICAL_RMM: &[Field] = &[
    Field::new("base_url", "Address of the API", Kind::HttpsAddress)
        .from("TACTICALRMM_BASE_URL")
        .required()
        .help("As in https://api.example.com"),
    Field::new("api_key", "API key", Kind::Text(512)).from("TACTICALRMM_API_KEY").secret().required(),
    Field::new("verify_ssl", "Check the certificate", Kind::Switch).or("true").from("TACTICALRMM_VERIFY_SSL"),
];

const NTFY: &[Field] = &[
    Field::new("base_url", "Server", Kind::Address).or("https://ntfy.sh").from("NTFY_BASE_URL").required(),
    Field::new("topic", "Topic", Kind::Topic)
        .from("NTFY_TOPIC")
        .required()
        .help("On a public server everybody who knows the topic can read it: choose one that nobody guesses."),
    Field::new("auth_token", "Token", Kind::Text(512)).from("NTFY_AUTH_TOKEN").secret(),
];

const TOOLS: &[(&str, &str)] = &[
    ("listTickets", "List tickets"),
    ("getTicket", "Read a ticket"),
    ("createTicketReply", "Reply to a ticket"),
    ("updateTicket", "Change a ticket"),
];

const STATUSES: &[(&str, &str)] = &[
    ("open", "Open"),
    ("pending", "Pending"),
    ("in_progress", "In progress"),
    ("resolved", "Resolved"),
    ("closed", "Closed"),
];

const CHATGPT_MCP: &[Field] = &[
    Field::new("shared_secret", "Shared secret", Kind::Hashed(24))
        .from("CHATGPT_MCP_SHARED_SECRET")
        .secret()
        .required()
        .help("At least 24 characters. Only its digest is kept."),
    Field::new("allowed_actions", "Tools", Kind::Choices(TOOLS))
        .or("listTickets,getTicket,createTicketReply,updateTicket")
        .from("CHATGPT_MCP_ALLOWED_ACTIONS"),
    Field::new("max_results", "Tickets in one answer", Kind::Whole(1, 200)).or("50").from("CHATGPT_MCP_MAX_RESULTS"),
    Field::new("allow_ticket_updates", "Let ChatGPT change tickets", Kind::Switch)
        .or("false")
        .from("CHATGPT_MCP_ALLOW_UPDATES")
        .help("The tool must be ticked as well."),
    Field::new("allowed_statuses", "Statuses it may set", Kind::Choices(STATUSES))
        .or("open,pending,in_progress,resolved,closed")
        .from("CHATGPT_MCP_ALLOWED_STATUSES"),
    Field::new("system_user_id", "Author of replies", Kind::Person)
        .from("CHATGPT_MCP_SYSTEM_USER_ID")
        .help("The person in whose name ChatGPT replies."),
    Field::new("allow_author_override", "Let a call name another author", Kind::Switch).or("false"),
    Field::new("expose_internal_notes", "Show internal notes", Kind::Switch).or("false"),
    Field::new("company_ids", "Companies", Kind::Companies).help("None ticked: all companies."),
    Field::new("allowed_origins", "Origins of browsers", Kind::Origins)
        .or("https://chatgpt.com,https://chat.openai.com"),
];

const SYNCRO: &[Field] = &[
    Field::new("base_url", "Address of the account", Kind::HttpsAddress)
        .from("SYNCRO_WEBHOOK_URL")
        .required()
        .help("As in https://acme.syncromsp.com"),
    Field::new("api_key", "API key", Kind::Text(512)).from("SYNCRO_API_KEY").secret().required(),
];

const SMS: &[Field] = &[
    Field::new("endpoint", "Address of the gateway", Kind::Address).from("SMS_ENDPOINT").required(),
    Field::new("auth", "User and password", Kind::Text(512))
        .from("SMS_AUTH")
        .secret()
        .required()
        .help("user:password in base64, as the gateway wants it."),
    Field::new("default_country_code", "Calling code of national numbers", Kind::CallingCode)
        .from("SMS_DEFAULT_COUNTRY_CODE")
        .help("As in 44. Blank: national numbers are skipped."),
];

/// All modules, by name.
pub static CATALOGUE: &[Entry] = &[
    Entry {
        slug: Slug::ChatGptMcp,
        name: "ChatGPT MCP",
        description: "Lets ChatGPT read and answer tickets through the Model Context Protocol.",
        emoji: "🤖",
        icon: "robot",
        documentation: "https://modelcontextprotocol.io/docs/getting-started/intro",
        fields: CHATGPT_MCP,
        is_on_when_set: false,
        tests_when_off: true,
    },
    Entry {
        slug: Slug::Ntfy,
        name: "ntfy",
        description: "Pushes short messages to phones and desktops.",
        emoji: "📣",
        icon: "bell",
        documentation: "https://docs.ntfy.sh/publish/",
        fields: NTFY,
        is_on_when_set: false,
        tests_when_off: false,
    },
    Entry {
        slug: Slug::Ollama,
        name: "Ollama",
        description: "A language model on your own hardware: summaries, tags and answers.",
        emoji: "🧠",
        icon: "sparkles",
        documentation: "https://docs.ollama.com/api",
        fields: OLLAMA,
        is_on_when_set: false,
        tests_when_off: false,
    },
    Entry {
        slug: Slug::Sms,
        name: "SMS gateway",
        description: "Sends text messages to people who asked for them.",
        emoji: "💬",
        icon: "device-mobile",
        documentation: "https://docs.sms-gate.app/",
        fields: SMS,
        is_on_when_set: true,
        tests_when_off: true,
    },
    Entry {
        slug: Slug::Smtp,
        name: "SMTP Relay",
        description: "Mails that automations send, through the portal's own mail server.",
        emoji: "✉️",
        icon: "mail",
        documentation: "https://www.rfc-editor.org/rfc/rfc5321",
        fields: SMTP,
        is_on_when_set: false,
        tests_when_off: false,
    },
    Entry {
        slug: Slug::Syncro,
        name: "Syncro",
        description: "Imports tickets, contacts and assets from a Syncro account.",
        emoji: "🔄",
        icon: "refresh",
        documentation: "https://api-docs.syncromsp.com/",
        fields: SYNCRO,
        is_on_when_set: true,
        tests_when_off: false,
    },
    Entry {
        slug: Slug::TacticalRmm,
        name: "Tactical RMM",
        description: "Runs scripts and reads agents of a Tactical RMM server.",
        emoji: "🛡️",
        icon: "shield-check",
        documentation: "https://docs.tacticalrmm.com/functions/api/",
        fields: TACTICAL_RMM,
        is_on_when_set: false,
        tests_when_off: false,
    },
];

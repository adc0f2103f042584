//! The questions of `measure tickets`: every list, filter, search, sort, late page and record.

use anyhow::Result;
use shared::app::App;
use shared::db::sql;

use super::Amounts;
use super::ask::{Asked, Asker, By};
use super::fill::People;

const QUESTIONS: [(&str, By, &str); 58] = [
    ("list", By::Admin, "/tickets"),
    ("list, last page", By::Admin, "/tickets?size=50&page=200"),
    ("list, 100 rows", By::Admin, "/tickets?size=100"),
    ("list, 100 rows, last page", By::Admin, "/tickets?size=100&page=100"),
    ("sort by change, oldest", By::Admin, "/tickets?sort=updated_at"),
    ("sort by age", By::Admin, "/tickets?sort=-created_at"),
    ("sort by age, oldest, last page", By::Admin, "/tickets?sort=created_at&page=200"),
    ("sort by priority", By::Admin, "/tickets?sort=-priority"),
    ("sort by priority, lowest, last page", By::Admin, "/tickets?sort=priority&page=200"),
    ("sort by status", By::Admin, "/tickets?sort=status"),
    ("sort by status, last page", By::Admin, "/tickets?sort=-status&page=200"),
    ("sort by number, last page", By::Admin, "/tickets?sort=id&page=200"),
    ("open", By::Admin, "/tickets?state=open"),
    ("open, last page", By::Admin, "/tickets?state=open&page=200"),
    ("open, by age", By::Admin, "/tickets?state=open&sort=created_at"),
    ("open, by priority", By::Admin, "/tickets?state=open&sort=-priority"),
    ("closed", By::Admin, "/tickets?state=closed"),
    ("closed, last page", By::Admin, "/tickets?state=closed&page=200"),
    ("closed, by age", By::Admin, "/tickets?state=closed&sort=created_at"),
    ("one status", By::Admin, "/tickets?status=pending"),
    ("one priority", By::Admin, "/tickets?priority=urgent"),
    ("two priorities, by age", By::Admin, "/tickets?priority=urgent&priority=high&sort=created_at"),
    ("open and urgent", By::Admin, "/tickets?state=open&priority=urgent"),
    ("mine", By::Admin, "/tickets?assigned=me&state=open"),
    ("mine, all, last page", By::Admin, "/tickets?assigned=me&page=200"),
    ("nobody's", By::Admin, "/tickets?assigned=none&state=open"),
    ("nobody's, by priority", By::Admin, "/tickets?assigned=none&sort=-priority"),
    ("waiting for us", By::Admin, "/tickets?waiting=us"),
    ("changed in 7 days", By::Admin, "/tickets?updated=last_7d"),
    ("changed in 7 days, by priority", By::Admin, "/tickets?updated=last_7d&sort=-priority"),
    ("one company", By::Admin, "/tickets?company={company}"),
    ("one company, by age, last page", By::Admin, "/tickets?company={company}&sort=created_at&page=4"),
    ("two companies, open", By::Admin, "/tickets?company={company}&company={next}&state=open"),
    ("one requester", By::Admin, "/tickets?requester={requester}"),
    ("common tag", By::Admin, "/tickets?tag=hardware"),
    ("common tag, open", By::Admin, "/tickets?tag=hardware&state=open"),
    ("rare tag", By::Admin, "/tickets?tag=recall"),
    ("search, common word", By::Admin, "/tickets?q=printer"),
    ("search, common word, open", By::Admin, "/tickets?q=printer&state=open"),
    ("search, common word, one company", By::Admin, "/tickets?q=printer&company={company}"),
    ("search, two common words", By::Admin, "/tickets?q=printer%20password"),
    ("search, less common word", By::Admin, "/tickets?q=certificate"),
    ("search, rare word", By::Admin, "/tickets?q=serial{rare}"),
    ("search, word of a note", By::Admin, "/tickets?q=escalate{rare}"),
    ("search, word that is not there", By::Admin, "/tickets?q=zebra"),
    ("search, short word", By::Admin, "/tickets?q=pc"),
    ("search, number", By::Admin, "/tickets?q=%23{ticket}"),
    ("search everywhere", By::Admin, "/search?q=printer"),
    ("search everywhere, rare", By::Admin, "/search?q=serial{rare}"),
    ("palette", By::Admin, "/palette?q=printer&at=/"),
    ("dashboard", By::Admin, "/"),
    ("record", By::Admin, "/tickets/{ticket}"),
    ("record, late in its list", By::Admin, "/tickets/{ticket}?state=closed&n=9900"),
    ("list for programs", By::Admin, "/api/tickets?limit=100"),
    ("list for programs, late", By::Admin, "/api/tickets?status=closed&limit=100&offset=9900"),
    ("record for programs", By::Admin, "/api/tickets/{ticket}"),
    ("own list", By::Manager, "/tickets?state=all"),
    ("own search", By::Manager, "/tickets?state=all&q=printer"),
];

/// Asks everything and prints a line for each.
pub async fn ask(app: &App, people: &People, amounts: Amounts) -> Result<()> {
    let asker = Asker::of(app, people, amounts).await?;
    let last: i64 = sql("SELECT MAX(id) FROM tickets").fetch_value(app.db()).await?;
    let names = [
        ("{company}", people.company),
        ("{next}", people.company + 1),
        ("{requester}", people.manager),
        ("{ticket}", last / 2),
        ("{rare}", last / 2 - last / 2 % 10),
    ];
    for (what, by, path) in QUESTIONS {
        let path = names.iter().fold(path.to_owned(), |path, (name, id)| path.replace(name, &id.to_string()));
        asker.line(what, by, |_| Asked::get(path.clone())).await?;
    }
    // A file of up to 10,000 lines is not a list: it is asked for now and then.
    let path = "/api/tickets/export.csv?status=open";
    let now_and_then = Amounts { requests: amounts.requests.min(10), rate: 1, ..amounts };
    let asker = Asker::of(app, people, now_and_then).await?;
    asker.line("file of the open ones", By::Admin, |_| Asked::get(path.to_owned())).await
}

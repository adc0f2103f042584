//! Pages of memberships in the order of their companies. To sort all of them for the fifty of a page is slow
//! on every engine: first the companies are counted through, by their index, until the page is reached, and
//! then only the members of those companies are sorted.

use crate::db::{Db, MAX_IN, Sql, sql};
use crate::error::Result;

/// The companies whose members a page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Their numbers, in any order; none when the page is behind the end.
    pub companies: Vec<i64>,
    /// Members of them that stand before the page.
    pub skip: i64,
    /// Memberships of the whole list, up to 10,001.
    pub counted: i64,
}

/// Which way the names of the companies go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// From A to Z.
    Up,
    /// From Z to A.
    Down,
}

/// A company with memberships of the list, and the number of all there are.
type Group = (i64, i64, i64);

/// The stretch of a page. `conditions` begin with ` WHERE` and speak of the memberships `m` and the companies
/// `c` alone. Nothing where a page is so long that its companies do not fit into a question.
pub async fn stretch(db: &Db, conditions: &Sql, names: Names, (limit, offset): (i64, i64)) -> Result<Option<Stretch>> {
    if usize::try_from(limit).is_ok_and(|limit| limit > MAX_IN) {
        return Ok(None);
    }
    let query =
        sql("SELECT g.company_id, g.members, (SELECT COUNT(*) FROM (SELECT 1 AS one FROM company_memberships m \
         JOIN companies c ON c.id = m.company_id")
        .append(conditions.clone())
        .push(
            " LIMIT 10001) n) AS counted FROM (SELECT c.sort_name AS place, c.id AS company_id, COUNT(*) AS members \
         FROM companies c",
        )
        .push_by_engine(" CROSS JOIN", " STRAIGHT_JOIN")
        .push(" company_memberships m ON m.company_id = c.id")
        .append(conditions.clone())
        .push(" GROUP BY c.sort_name, c.id")
        .push(match names {
            Names::Up => " ORDER BY c.sort_name, c.id LIMIT ?) g ORDER BY g.place, g.company_id",
            Names::Down => " ORDER BY c.sort_name DESC, c.id DESC LIMIT ?) g ORDER BY g.place DESC, g.company_id DESC",
        })
        // Every company of the list has a member in it.
        .bind(offset + limit);
    let groups: Vec<Group> = query.fetch_all(db).await?;
    Ok(Some(among(&groups, limit, offset)))
}

fn among(groups: &[Group], limit: i64, offset: i64) -> Stretch {
    let mut stretch = Stretch { companies: Vec::new(), skip: 0, counted: groups.first().map_or(0, |group| group.2) };
    let mut before = 0;
    for (company, members, _) in groups {
        let behind = before + members;
        if behind > offset && before < offset + limit {
            if stretch.companies.is_empty() {
                stretch.skip = offset - before;
            }
            stretch.companies.push(*company);
        }
        before = behind;
    }
    stretch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_takes_the_companies_it_touches() {
        let groups = [(7, 3, 10), (2, 5, 10), (9, 2, 10)];
        let of = |limit, offset| {
            let stretch = among(&groups, limit, offset);
            (stretch.companies, stretch.skip, stretch.counted)
        };
        assert_eq!(of(3, 0), (vec![7], 0, 10));
        assert_eq!(of(4, 0), (vec![7, 2], 0, 10));
        assert_eq!(of(4, 2), (vec![7, 2], 2, 10));
        assert_eq!(of(5, 3), (vec![2], 0, 10));
        assert_eq!(of(50, 7), (vec![2, 9], 4, 10));
        assert_eq!(of(50, 10), (vec![], 0, 10));
        assert_eq!(among(&[], 50, 0).counted, 0);
    }
}

//! Who works at the desk: super administrators, and members of the provider whose role lets them answer
//! tickets (organisation 2.4). One place, because several areas tell these people what happens.

use crate::db::{Sql, sql_by_engine};

/// The condition that a `users u` works at the desk. For the few whom another condition names: each is looked
/// up on their own. Stands in brackets.
pub const IS_DESK_PERSON: &str = " (u.is_super_admin = TRUE OR EXISTS (SELECT 1 \
    FROM company_memberships m JOIN companies p ON p.id = m.company_id JOIN roles o ON o.id = m.role_id \
    WHERE m.user_id = u.id AND m.status = 'active' AND p.is_provider = TRUE AND p.archived_at IS NULL \
    AND o.permissions LIKE '%\"helpdesk.technician\"%'))";

/// All of them as `users u`, to go behind `FROM`; ends in a condition, so more follow with `AND`. Begins at the
/// provider, and neither engine may begin elsewhere: from the people or their memberships all of those of every
/// company would be read.
pub fn desk_people() -> Sql {
    sql_by_engine(
        " (SELECT s.id AS id FROM users s WHERE s.is_super_admin = TRUE \
          UNION SELECT m.user_id FROM companies p CROSS JOIN company_memberships m CROSS JOIN roles o \
          WHERE m.company_id = p.id AND o.id = m.role_id AND m.status = 'active' AND p.is_provider = TRUE \
          AND p.archived_at IS NULL AND o.permissions LIKE '%\"helpdesk.technician\"%') d \
          CROSS JOIN users u WHERE u.id = d.id AND u.is_active = TRUE",
        " (SELECT s.id AS id FROM users s WHERE s.is_super_admin = TRUE \
          UNION SELECT m.user_id FROM companies p STRAIGHT_JOIN company_memberships m STRAIGHT_JOIN roles o \
          WHERE m.company_id = p.id AND o.id = m.role_id AND m.status = 'active' AND p.is_provider = TRUE \
          AND p.archived_at IS NULL AND o.permissions LIKE '%\"helpdesk.technician\"%') d \
          STRAIGHT_JOIN users u WHERE u.id = d.id AND u.is_active = TRUE",
    )
}

-- The names that occur in the trail, for the selects over it: the worker notes them when it seals. To look for
-- the different names among a million lines is quick only while MySQL knows their number, which it forgets.
CREATE TABLE audit_names (
    kind VARCHAR(20) NOT NULL,
    name VARCHAR(190) NOT NULL,
    PRIMARY KEY (kind, name)
);

INSERT INTO audit_names (kind, name) SELECT 'action', action FROM audit_logs GROUP BY action;

INSERT INTO audit_names (kind, name) SELECT 'entity_type', entity_type FROM audit_logs WHERE entity_type IS NOT NULL GROUP BY entity_type;

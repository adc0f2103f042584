-- What a run was asked for and where it stands. active is 1 while a run is queued or running: only one is.
ALTER TABLE ticket_import_runs ADD COLUMN active BIGINT;

ALTER TABLE ticket_import_runs ADD COLUMN lookup VARCHAR(8) NOT NULL DEFAULT 'id';

ALTER TABLE ticket_import_runs ADD COLUMN include_comments BOOLEAN NOT NULL DEFAULT TRUE;

ALTER TABLE ticket_import_runs ADD COLUMN summarise BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE ticket_import_runs ADD COLUMN emit_events BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE ticket_import_runs ADD COLUMN is_closing BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE ticket_import_runs ADD COLUMN no_company BIGINT NOT NULL DEFAULT 0;

ALTER TABLE ticket_import_runs ADD COLUMN slice BIGINT NOT NULL DEFAULT 0;

ALTER TABLE ticket_import_runs ADD COLUMN holder VARCHAR(16);

CREATE UNIQUE INDEX ticket_import_runs_active ON ticket_import_runs (active);

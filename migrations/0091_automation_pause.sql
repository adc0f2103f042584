-- The one switch that holds all tasks and automations: paused_at is null while they run. There is one row.
CREATE TABLE automation_pause (
    id BIGINT PRIMARY KEY,
    paused_at DATETIME(6),
    paused_by_id BIGINT,
    CONSTRAINT automation_pause_user_fk FOREIGN KEY (paused_by_id) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX automation_pause_user ON automation_pause (paused_by_id);

INSERT INTO automation_pause (id, paused_at, paused_by_id) VALUES (1, NULL, NULL);

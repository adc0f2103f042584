-- What assistants asked for (tickets 2). outcome: ok, tool_error, denied, protocol_error. Kept 90 days.
CREATE TABLE mcp_calls (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    method VARCHAR(64) NOT NULL,
    tool VARCHAR(64),
    ticket_id BIGINT,
    outcome VARCHAR(16) NOT NULL,
    message VARCHAR(500),
    client_name VARCHAR(128),
    client_version VARCHAR(128),
    ip VARCHAR(45),
    duration_ms BIGINT NOT NULL,
    created_at DATETIME(6) NOT NULL
);

CREATE INDEX mcp_calls_created ON mcp_calls (created_at, id);

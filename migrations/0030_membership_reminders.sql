-- An invitation that waits is brought to mind once (organisation 20).
ALTER TABLE company_memberships ADD COLUMN reminded_at DATETIME(6);

CREATE INDEX company_memberships_waiting ON company_memberships (status, invited_at);

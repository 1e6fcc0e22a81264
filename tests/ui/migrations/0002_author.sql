ALTER TABLE messages ADD COLUMN author TEXT;
CREATE INDEX authors ON messages (author);

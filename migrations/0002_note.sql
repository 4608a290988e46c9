-- Texts in free words, such as that of an announcement: the stream only points to them, so that they can be deleted.
-- No constraint looks at the text: the server's log would quote a row that breaks one.
create table note (
    branch_id   text collate "C" not null,
    note_id     text collate "C" not null,
    day         date not null,
    text        text not null,
    made_at     timestamptz not null default now(),
    primary key (branch_id, note_id)
);

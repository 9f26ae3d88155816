-- Of a source that is not projected only the logs are kept.
alter table index_sources add column projected boolean not null default true;

-- What moves of fungible tokens: the topic is listed in `vocab::topic`.
insert into topics (topic) values ('transfers');
alter table outbox drop constraint outbox_topic_check;
alter table facts drop constraint facts_topic_check;
do $$
declare known text := (select string_agg(quote_literal(topic), ', ' order by topic) from topics);
begin
    execute format('alter table outbox add constraint outbox_topic_check check (topic in (%s))', known);
    execute format('alter table facts add constraint facts_topic_check check (topic in (%s))', known);
end $$;

-- What each process told of itself in each interval of ten seconds, for the charts of the console:
-- a fixed list of names, kept for a day.
create table metric_samples (
    name     text not null,
    -- When the interval began.
    taken_at timestamptz not null,
    process  uuid not null,
    -- What was counted in the interval, or how it stood at its end.
    value    double precision not null,
    primary key (name, taken_at, process)
);
create index metric_samples_taken_idx on metric_samples (taken_at);

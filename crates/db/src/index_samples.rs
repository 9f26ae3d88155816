//! Balances and owners drawn by chance, for who asks the chain whether they are so.

use crate::{Addr, DbError, Numeric};
use sqlx::PgConnection;
use vocab::{Address, ChainId, U256};

/// What the index says that an account has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    pub contract: Address,
    /// `erc20`, `erc20_fee`, `erc721` or `erc1155`.
    pub kind: String,
    /// 0 of an ERC-20.
    pub token_id: U256,
    pub account: Address,
    /// 1 of an ERC-721.
    pub balance: U256,
}

/// A chance address that depends on `seed` and a number from 1 to `count`; the samples are the
/// rows that follow it. Of a table with fewer rows than wanted it takes all.
const CHANCE: &str = "substring(sha256(convert_to($2::int8::text || ':' || n, 'UTF8')) for 20)";

const REBASING: &str = "erc20_rebasing";

/// Draw about `count` reliable balances and `count` items with an owner; as far as these tables are
/// asked for. Balances of tokens that rebase may have changed since they were read, so they show
/// nothing and are left out.
pub async fn load(
    db: &mut PgConnection,
    chain: ChainId,
    (seed, count): (i64, i64),
    tables: &[&str],
) -> Result<Vec<Sample>, DbError> {
    let mut samples = Vec::new();
    let drawn = [("balances", balances()), ("items", items())];
    for (_, sql) in drawn.into_iter().filter(|(table, _)| tables.contains(table)) {
        // Made of the constants here only.
        let rows: Vec<(Addr, String, Numeric, Addr, Numeric)> =
            sqlx::query_as(sqlx::AssertSqlSafe(sql))
                .bind(chain.as_i64())
                .bind(seed)
                .bind(count)
                .fetch_all(&mut *db)
                .await?;
        let rows = rows.into_iter().filter(|(_, kind, ..)| kind != REBASING);
        samples.extend(rows.map(|(contract, kind, token_id, account, balance)| Sample {
            contract: contract.0,
            kind,
            token_id: token_id.0,
            account: account.0,
            balance: balance.0,
        }));
    }
    Ok(samples)
}

fn balances() -> String {
    drawn(
        "select contract, token_id, account, balance as amount from balances
          where chain_id = $1 and not unreliable
            and contract <> all ((select backfilling($1))::bytea[])",
        "account",
        "join followed_contracts s on s.chain_id = $1 and s.address = d.contract",
        "s.kind",
    )
}

fn items() -> String {
    drawn(
        "select contract, token_id, owner as account, 1::numeric as amount from items
          where chain_id = $1 and owner is not null
            and contract <> all ((select backfilling($1))::bytea[])",
        "owner",
        "",
        "'erc721'",
    )
}

fn drawn(rows: &str, by: &str, join: &str, kind: &str) -> String {
    format!(
        "with few as ({rows} limit $3 + 1), chosen as (
             select f.* from few f where (select count(*) from few) <= $3
             union
             select o.* from generate_series(1, $3) as n
              cross join lateral ({rows} and {by} >= {CHANCE} order by {by} limit 1) as o
              where (select count(*) from few) > $3
         )
         select d.contract, {kind}, d.token_id, d.account, d.amount from chosen d {join}"
    )
}

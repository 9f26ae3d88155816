// Every transfer as a row; balances of the token, and owners and counts of the NFT.
import { onchainTable, primaryKey } from "ponder";

const transfer = (t: any) => ({
  id: t.text().primaryKey(),
  from: t.hex().notNull(),
  to: t.hex().notNull(),
  amount: t.bigint().notNull(),
  block: t.bigint().notNull(),
  timestamp: t.bigint().notNull(),
  txHash: t.hex().notNull(),
  logIndex: t.integer().notNull(),
});

export const tokenTransfer = onchainTable("token_transfer", transfer);
export const nftTransfer = onchainTable("nft_transfer", transfer);

export const balance = onchainTable(
  "balance",
  (t) => ({ contract: t.hex().notNull(), account: t.hex().notNull(), amount: t.bigint().notNull() }),
  (table) => ({ pk: primaryKey({ columns: [table.contract, table.account] }) }),
);

export const owner = onchainTable("owner", (t) => ({
  tokenId: t.bigint().primaryKey(),
  account: t.hex().notNull(),
}));

import { ponder } from "ponder:registry";
import { balance, nftTransfer, owner, tokenTransfer } from "ponder:schema";

const NOBODY = "0x0000000000000000000000000000000000000000";

const row = (event: any, amount: bigint) => ({
  id: event.id,
  from: event.args.from,
  to: event.args.to,
  amount,
  block: event.block.number,
  timestamp: event.block.timestamp,
  txHash: event.transaction.hash,
  logIndex: event.log.logIndex,
});

async function move(db: any, contract: `0x${string}`, from: string, to: string, amount: bigint) {
  const change = (account: string, by: bigint) =>
    db
      .insert(balance)
      .values({ contract, account, amount: by })
      .onConflictDoUpdate((row: any) => ({ amount: row.amount + by }));
  if (from !== NOBODY) await change(from, -amount);
  if (to !== NOBODY) await change(to, amount);
}

ponder.on("Token:Transfer", async ({ event, context }) => {
  await context.db.insert(tokenTransfer).values(row(event, event.args.value));
  await move(context.db, event.log.address, event.args.from, event.args.to, event.args.value);
});

ponder.on("Nft:Transfer", async ({ event, context }) => {
  const { from, to, tokenId } = event.args;
  await context.db.insert(nftTransfer).values(row(event, tokenId));
  await context.db
    .insert(owner)
    .values({ tokenId, account: to })
    .onConflictDoUpdate({ account: to });
  await move(context.db, event.log.address, from, to, 1n);
});

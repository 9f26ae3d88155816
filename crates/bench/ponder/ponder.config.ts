// Ponder on the workload of `bench index`: where it lies comes from the environment.
import { createConfig } from "ponder";

const transfer = (indexed: boolean) =>
  ({
    type: "event",
    name: "Transfer",
    inputs: [
      { name: "from", type: "address", indexed: true },
      { name: "to", type: "address", indexed: true },
      { name: indexed ? "tokenId" : "value", type: "uint256", indexed },
    ],
  }) as const;

const contract = (address: string | undefined, indexed: boolean) => ({
  chain: "bench",
  abi: [transfer(indexed)],
  address: address as `0x${string}`,
  startBlock: 1,
  endBlock: Number(process.env.BENCH_HEAD),
}) as const;

export default createConfig({
  database: { kind: "postgres", connectionString: process.env.DATABASE_URL },
  chains: { bench: { id: 31337, rpc: process.env.BENCH_RPC } },
  contracts: {
    Token: contract(process.env.BENCH_TOKEN, false),
    Nft: contract(process.env.BENCH_NFT, true),
  },
});

/** Maps items like `Promise.all` over `items.map(work)`, with at most `limit` of them at a time. */
export async function mapConcurrently<Item, Outcome>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Outcome>,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  const waiting = items.entries();
  const takeOneAfterTheOther = async () => {
    for (const [index, item] of waiting) outcomes[index] = await work(item);
  };
  await Promise.all(Array.from({ length: limit }, takeOneAfterTheOther));
  return outcomes;
}

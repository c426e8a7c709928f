/**
 * Measures until a figure is as near to 1 as it should be, some times: what else runs on the machine takes away from
 * what a group gets, now and then. It never adds to it: a figure that is too high fails at once.
 */
export async function nearOne(tolerance: number, measure: () => Promise<number>): Promise<number> {
  let part = 0
  for (let attempt = 0; attempt < 6; attempt++) {
    part = await measure()
    if (part > 1 - tolerance) break
  }
  return part
}

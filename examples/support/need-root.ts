/**
 * Ends an example that an ordinary user cannot run, before it has begun.
 *
 * @param why - What only root may do here, and what an ordinary user has instead.
 */
export function needRoot(why: string): void {
  if (process.geteuid?.() === 0) return
  console.error(`This example needs root: ${why}`)
  process.exit(1)
}

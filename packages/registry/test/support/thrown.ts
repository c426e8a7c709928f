/** What `work` throws; `undefined` when it does not. */
export function thrown(work: () => unknown): unknown {
  try {
    work()
    return undefined
  } catch (error) {
    return error
  }
}

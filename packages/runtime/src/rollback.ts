/** What must be undone when a set-up fails half-way: released in reverse order. */
export class Rollback {
  readonly #undo: (() => unknown)[] = []

  /** Registers how to undo what was just made. */
  defer(undo: () => unknown): void {
    this.#undo.push(undo)
  }

  /** Undoes everything, and goes on when a part fails. Errors of undoing are kept beside the one that caused it. */
  async run(cause: unknown): Promise<unknown> {
    const failures: unknown[] = []
    for (const undo of this.#undo.splice(0).reverse()) {
      try {
        await undo()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length === 0) return cause
    return new AggregateError(
      [cause, ...failures],
      `${String(cause)}; undoing it failed as well: ${failures.map(String).join('; ')}`,
    )
  }
}

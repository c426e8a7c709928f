import { createContext, Script } from 'node:vm'

/**
 * A pattern of a client's. There are patterns that take for ever with some texts, and nobody can tell them from others:
 * they are given a time.
 */
export class BoundedPattern {
  readonly #pattern: RegExp
  readonly #ms: number
  #run: ((texts: readonly string[]) => readonly boolean[]) | undefined

  /**
   * @param ms - Milliseconds for all texts of one call.
   * @throws `SyntaxError`: it is no pattern.
   */
  constructor(pattern: string, ms = 250) {
    this.#pattern = new RegExp(pattern)
    this.#ms = ms
  }

  /** Which of the texts it matches; undefined when that takes too long. */
  matches(texts: readonly string[]): readonly boolean[] | undefined {
    this.#run ??= this.#prepare()
    try {
      return this.#run(texts)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined
      throw error
    }
  }

  /** Only scripts can be interrupted. */
  #prepare(): (texts: readonly string[]) => readonly boolean[] {
    const given: { readonly pattern: RegExp; texts: readonly string[] } = {
      pattern: this.#pattern,
      texts: [],
    }
    const context = createContext(given)
    const script = new Script('texts.map((text) => pattern.test(text))')
    return (texts) => {
      given.texts = texts
      return script.runInContext(context, { timeout: this.#ms }) as readonly boolean[]
    }
  }
}

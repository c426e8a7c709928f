import { endOfLine, wholeNumber } from './whole-number.js'

type Counter = number | 'max'

/** What `memory.stat` holds. */
export class Counters {
  readonly #names: Names
  readonly #values: readonly number[]

  constructor(names: Names, values: readonly number[]) {
    this.#names = names
    this.#values = values
  }

  /** One of them; `undefined` when it is not there, or a limit that is none. */
  get(name: string): number | undefined {
    const value = this.#values[this.#names.places.get(name) ?? -1]
    return value === undefined || value > Number.MAX_SAFE_INTEGER ? undefined : value
  }

  /** All of them; v1's limits are among them, and "no limit" is `'max'`. */
  all(): Record<string, Counter> {
    return Object.fromEntries(
      this.#names.list.map((name, place): [string, Counter] => {
        const value = this.#values[place]!
        return [name, value > Number.MAX_SAFE_INTEGER ? 'max' : value]
      }),
    )
  }
}

/** Names of counters, in the order of the file. */
class Names {
  readonly list: readonly string[]
  readonly places: ReadonlyMap<string, number>

  constructor(list: readonly string[]) {
    this.list = list
    this.places = new Map(list.map((name, place) => [name, place]))
  }
}

/** Those of the last file: a kernel writes the same ones every time, and they are not cut out of the text again. */
let known = new Names([])

/** Reads `memory.stat`, a name and a number a line; lines of another shape are passed over. */
export function parseCounters(text: string): Counters {
  const { list } = known
  const values: number[] = []
  let start = 0
  for (const name of list) {
    const space = start + name.length
    if (!text.startsWith(name, start) || text.charCodeAt(space) !== SPACE) break
    const end = endOfLine(text, space)
    const value = wholeNumber(text, space + 1, end)
    if (Number.isNaN(value)) break
    values.push(value)
    start = end + 1
  }
  const isSame = values.length === list.length && start >= text.length
  return isSame ? new Counters(known, values) : parseOthers(text)
}
const SPACE = 0x20

function parseOthers(text: string): Counters {
  const names: string[] = []
  const values: number[] = []
  for (let start = 0; start < text.length;) {
    const end = endOfLine(text, start)
    const space = text.indexOf(' ', start)
    const value = space > start ? wholeNumber(text, space + 1, end) : NaN
    if (!Number.isNaN(value)) {
      names.push(text.slice(start, space))
      values.push(value)
    }
    start = end + 1
  }
  known = new Names(names)
  return new Counters(known, values)
}

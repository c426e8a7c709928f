import { RegistryError } from '../errors.js'
import { formatReference } from './format-reference.js'
import { parseReference } from './parse-reference.js'

/** The longest pattern worth reading: no reference is longer. */
const maxLength = 1024

/** Code points from the first to the last, both with them. */
type Range = readonly [low: number, high: number]

/** What one character may be: any of these, or any but these. */
interface CharacterSet {
  readonly isNegated: boolean
  readonly ranges: readonly Range[]
}

/** Characters one after the other, behind a star or not. */
interface Chunk {
  readonly isAfterStar: boolean
  readonly characters: CharacterSet[]
}

const slash = 0x2f
const anyButSlash: CharacterSet = { isNegated: true, ranges: [[slash, slash]] }

/**
 * A pattern for references as people write them, by Docker's rules, which are those of Go's `path.Match`: `*` is any
 * text without a slash and `?` one character but a slash, `[a-z]` and `[^a-z]` are one character of a set or not of it,
 * and `\` takes the next character as it is.
 *
 * Matching takes no more steps than the pattern is long times the reference.
 *
 * @see {@link https://pkg.go.dev/path#Match}
 */
export class ReferencePattern {
  readonly #chunks: readonly Chunk[]

  /**
   * @param text - At most 1024 characters.
   * @throws {@link RegistryError} `ERR_REGISTRY_INVALID_ARG`: the pattern is malformed.
   */
  constructor(text: string) {
    this.#chunks = chunksOf(text)
  }

  /**
   * Whether it matches a reference, written short, with its tag and digest or without them.
   *
   * @throws {@link RegistryError} as {@link parseReference}.
   */
  matches(reference: string): boolean {
    const parsed = parseReference(reference)
    const { registry, repository } = parsed
    return [parsed, { registry, repository }].some((one) =>
      matchesChunks(this.#chunks, pointsOf(formatReference(one, { short: true }))),
    )
  }
}

function pointsOf(text: string): readonly number[] {
  return Array.from(text, (char) => char.codePointAt(0)!)
}

function chunksOf(text: string): readonly Chunk[] {
  if (text.length > maxLength) throw malformed(text, `it must have at most ${maxLength} characters`)
  const input = Array.from(text)
  let chunk: Chunk = { isAfterStar: false, characters: [] }
  const chunks = [chunk]
  let at = 0
  const escaped = (): number => {
    const char = input[at] === '\\' ? input[++at] : input[at]
    if (char === undefined) throw malformed(text, 'it ends too early')
    at++
    return char.codePointAt(0)!
  }
  const bound = (): number => {
    if (input[at] === '-' || input[at] === ']')
      throw malformed(text, `${JSON.stringify(input[at])} stands where a character of a set is due`)
    return escaped()
  }
  const set = (): CharacterSet => {
    const isNegated = input[at] === '^'
    if (isNegated) at++
    const ranges: Range[] = []
    while (input[at] !== ']' || ranges.length === 0) {
      const low = bound()
      if (input[at] === '-') {
        at++
        ranges.push([low, bound()])
      } else ranges.push([low, low])
    }
    at++
    return { isNegated, ranges }
  }
  while (at < input.length) {
    const char = input[at]!
    if (char === '*') {
      at++
      if (chunk.isAfterStar && chunk.characters.length === 0) continue
      chunk = { isAfterStar: true, characters: [] }
      chunks.push(chunk)
    } else if (char === '?') {
      at++
      chunk.characters.push(anyButSlash)
    } else if (char === '[') {
      at++
      chunk.characters.push(set())
    } else {
      const point = escaped()
      chunk.characters.push({ isNegated: false, ranges: [[point, point]] })
    }
  }
  return chunks
}

/** Each star takes as little as it can, and none is tried again: what follows it was found as early as possible. */
function matchesChunks(chunks: readonly Chunk[], name: readonly number[]): boolean {
  let at = 0
  for (const [n, { isAfterStar, characters }] of chunks.entries()) {
    const isLast = n === chunks.length - 1
    if (isLast && isAfterStar && characters.length === 0) return !name.includes(slash, at)
    while (!fits(characters, name, at) || (isLast && at + characters.length < name.length)) {
      if (!isAfterStar || at >= name.length || name[at] === slash) return false
      at++
    }
    at += characters.length
  }
  return true
}

function fits(characters: readonly CharacterSet[], name: readonly number[], at: number): boolean {
  return (
    at + characters.length <= name.length &&
    characters.every(({ isNegated, ranges }, n) => {
      const point = name[at + n]!
      return ranges.some(([low, high]) => low <= point && point <= high) !== isNegated
    })
  )
}

function malformed(text: string, rule: string): RegistryError {
  const shown = JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text)
  return new RegistryError('ERR_REGISTRY_INVALID_ARG', `cannot read pattern ${shown}: ${rule}`)
}

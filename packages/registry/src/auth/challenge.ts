/** One challenge of a `WWW-Authenticate` header (RFC 9110, 11.6.1). Names are lower case. */
export interface Challenge {
  /** `basic`, `bearer`… */
  readonly scheme: string
  readonly parameters: Readonly<Record<string, string>>
}

const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y
const separator = /[\s,]*/y
const equals = /\s*=\s*/y
const quoted = /"((?:[^"\\]|\\.)*)"/y

/** The longest header that is read; Node's own bound on all headers together is 16 KiB. */
const maxLength = 16 * 1024

/**
 * Reads the challenges of a `WWW-Authenticate` header. Several may share one header, separated by commas,
 * as their parameters are. What cannot be read ends the list.
 */
export function parseChallenges(header: string): readonly Challenge[] {
  const text = header.slice(0, maxLength)
  let position = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position
    const match = pattern.exec(text)
    if (match !== null) position = pattern.lastIndex
    return match
  }
  const challenges: { scheme: string; parameters: Record<string, string> }[] = []
  for (;;) {
    take(separator)
    const word = take(token)
    if (word === null) return challenges
    const isParameter = take(equals) !== null
    if (!isParameter) {
      challenges.push({
        scheme: word[0].toLowerCase(),
        parameters: Object.create(null) as Record<string, string>,
      })
      continue
    }
    const value = take(quoted)?.[1]?.replace(/\\(.)/g, '$1') ?? take(token)?.[0]
    const current = challenges.at(-1)
    if (value === undefined || current === undefined) return challenges
    current.parameters[word[0].toLowerCase()] ??= value
  }
}

import { RuntimeError } from '../../errors.js'

/** What `$NAME` stands for. */
export type Variables = ReadonlyMap<string, string>

const variable = /^\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(\}|:[-+]))/

/**
 * The words of an instruction as a shell takes them apart: quotes, backslashes, and variables as `$NAME`, `${NAME}`,
 * `${NAME:-otherwise}` and `${NAME:+instead}`. What a variable stands for is not taken apart again.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: a quote or a brace that does not end.
 */
export function splitWords(text: string, variables: Variables): string[] {
  const words: string[] = []
  let word: string | undefined
  for (let at = 0; at < text.length;) {
    const character = text[at]!
    if (/\s/.test(character)) {
      if (word !== undefined) words.push(word)
      word = undefined
      at++
      continue
    }
    const [piece, end] = pieceAt(text, at, variables)
    word = (word ?? '') + piece
    at = end
  }
  if (word !== undefined) words.push(word)
  return words
}

/** One text with its variables, and its quotes taken off. */
export function expandText(text: string, variables: Variables): string {
  let expanded = ''
  for (let at = 0; at < text.length;) {
    const [piece, end] = pieceAt(text, at, variables)
    expanded += piece
    at = end
  }
  return expanded
}

/** What stands at a place, and where the rest begins. */
function pieceAt(text: string, at: number, variables: Variables): [piece: string, end: number] {
  switch (text[at]) {
    case "'": {
      const end = text.indexOf("'", at + 1)
      if (end < 0) throw open(text, "'")
      return [text.slice(at + 1, end), end + 1]
    }
    case '"':
      return quoted(text, at, variables)
    case '\\':
      return [text.slice(at + 1, at + 2), at + 2]
    case '$':
      return variableAt(text, at, variables)
    default:
      return [text[at]!, at + 1]
  }
}

/** In double quotes a backslash is one, but before `"`, `$` and itself. */
function quoted(text: string, start: number, variables: Variables): [piece: string, end: number] {
  let piece = ''
  for (let at = start + 1; at < text.length;) {
    const character = text[at]!
    if (character === '"') return [piece, at + 1]
    if (character === '\\' && /["$\\]/.test(text[at + 1] ?? '')) {
      piece += text[at + 1]!
      at += 2
    } else if (character === '$') {
      const [value, end] = variableAt(text, at, variables)
      piece += value
      at = end
    } else {
      piece += character
      at++
    }
  }
  throw open(text, '"')
}

function variableAt(text: string, at: number, variables: Variables): [piece: string, end: number] {
  const [whole, plain, braced, then] = variable.exec(text.slice(at)) ?? []
  if (whole === undefined) return ['$', at + 1]
  const value = variables.get(plain ?? braced!) ?? ''
  if (then === undefined || then === '}') return [value, at + whole.length]
  let word = ''
  for (let next = at + whole.length; next < text.length;) {
    if (text[next] === '}')
      return [value === '' ? (then === ':-' ? word : '') : then === ':-' ? value : word, next + 1]
    const [piece, end] = pieceAt(text, next, variables)
    word += piece
    next = end
  }
  throw open(text, '${')
}

function open(text: string, quote: string): RuntimeError {
  return new RuntimeError(
    'ERR_RUNTIME_INVALID_ARG',
    `cannot read ${JSON.stringify(text)}: what ${quote} begins does not end`,
  )
}

import { usageError } from '../errors.js'
import { apply } from './template-functions.js'

/** A template that is ready to be filled in. */
export type Template = (value: unknown) => string

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'value'; readonly words: readonly Word[] }
  | {
      readonly kind: 'if' | 'with' | 'range'
      readonly words: readonly Word[]
      readonly then: readonly Node[]
      readonly otherwise: readonly Node[]
    }

/** A path (`.State.Status`), a text in quotes, a number, the name of a function, or `|`. */
type Word = string

/**
 * Reads a template of `--format`: the part of Go's templates that people write. Text, `{{.A.B}}`, `{{json .}}`, pipes,
 * `if`, `with`, `range`, `else`, and the functions of {@link apply}. No variables, no parentheses.
 *
 * @throws `CliError` `ERR_CLI_USAGE` that names what is not understood.
 */
export function parseTemplate(text: string): Template {
  const tokens = text
    .replaceAll('\\t', '\t')
    .replaceAll('\\n', '\n')
    .split(/(\{\{-?.*?-?\}\})/s)
  const trimmed = tokens.map((token, at) => {
    if (at % 2 === 1) return token
    const begin = tokens[at - 1]?.endsWith('-}}') === true ? token.trimStart() : token
    return tokens[at + 1]?.startsWith('{{-') === true ? begin.trimEnd() : begin
  })
  let at = 0

  const parse = (isInner: boolean): { readonly nodes: Node[]; readonly end: string } => {
    const nodes: Node[] = []
    for (; at < trimmed.length; at++) {
      const token = trimmed[at]!
      if (at % 2 === 0) {
        if (token.includes('{{')) throw wrong(text, 'an action is not closed by }}')
        nodes.push({ kind: 'text', text: token })
        continue
      }
      const [first = '', ...rest] = wordsOf(token.replace(/^\{\{-?|-?\}\}$/g, ''), text)
      if (first === 'end' || first === 'else') {
        if (!isInner || rest.length > 0) throw wrong(text, `${first} has nothing to end here`)
        at++
        return { nodes, end: first }
      }
      if (first === 'if' || first === 'with' || first === 'range') {
        at++
        const then = parse(true)
        const otherwise = then.end === 'else' ? parse(true) : { nodes: [], end: then.end }
        if (otherwise.end !== 'end') throw wrong(text, `${first} has no end`)
        nodes.push({ kind: first, words: rest, then: then.nodes, otherwise: otherwise.nodes })
        at--
      } else if (first !== '') nodes.push({ kind: 'value', words: [first, ...rest] })
    }
    return { nodes, end: '' }
  }
  const { nodes } = parse(false)
  return (value) => fill(nodes, value, value)
}

function fill(nodes: readonly Node[], dot: unknown, root: unknown): string {
  return nodes
    .map((node) => {
      if (node.kind === 'text') return node.text
      const value = evaluate(node.words, dot, root)
      if (node.kind === 'value') return shown(value)
      if (!isTrue(value)) return fill(node.otherwise, dot, root)
      if (node.kind === 'if') return fill(node.then, dot, root)
      if (node.kind === 'with') return fill(node.then, value, root)
      return membersOf(value)
        .map((member) => fill(node.then, member, root))
        .join('')
    })
    .join('')
}

/** Lists as they are, of other things their members in order of their names. */
function membersOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  return Object.entries(value as object)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, member]) => member as unknown)
}

function evaluate(words: readonly Word[], dot: unknown, root: unknown): unknown {
  const steps: Word[][] = [[]]
  for (const word of words) {
    if (word === '|') steps.push([])
    else steps.at(-1)!.push(word)
  }
  let piped: unknown[] = []
  for (const [head = '', ...rest] of steps) {
    const values = rest.map((word) => operand(word, dot, root))
    piped = [isName(head) ? apply(head, [...values, ...piped]) : operand(head, dot, root)]
  }
  return piped[0]
}

function isName(word: Word): boolean {
  return /^[a-z]+$/.test(word) && word !== 'true' && word !== 'false'
}

function operand(word: Word, dot: unknown, root: unknown): unknown {
  if (word.startsWith('"') || word.startsWith('`')) return word.slice(1, -1).replaceAll('\\"', '"')
  if (/^-?\d+$/.test(word)) return Number(word)
  if (word === 'true' || word === 'false') return word === 'true'
  const [start, path] = word.startsWith('$') ? [root, word.slice(1)] : [dot, word]
  if (path !== '' && !path.startsWith('.')) throw usageError(`invalid --format: "${word}" is not understood`)
  return path
    .split('.')
    .filter((name) => name !== '')
    .reduce<unknown>((value, name) => memberOf(value, name), start)
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined
}

function wordsOf(action: string, whole: string): readonly Word[] {
  const words = action.match(/"(?:[^"\\]|\\.)*"|`[^`]*`|\||[^\s|"`]+/g) ?? []
  if (/[()]|:=/.test(action.replace(/"(?:[^"\\]|\\.)*"|`[^`]*`/g, '')))
    throw wrong(whole, 'parentheses and variables are not understood')
  return words
}

function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0
  return Boolean(value)
}

/** A value as Go prints it. */
function shown(value: unknown): string {
  if (value === undefined || value === null) return '<no value>'
  if (Array.isArray(value)) return `[${value.map(shown).join(' ')}]`
  if (typeof value === 'string') return value
  if (typeof value !== 'object') return JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `map[${members.map(([name, member]) => `${name}:${shown(member)}`).join(' ')}]`
}

function wrong(text: string, why: string): Error {
  return usageError(`invalid --format "${text}": ${why}`)
}

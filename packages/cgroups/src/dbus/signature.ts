import { CgroupError } from '../errors.js'

/** A type of D-Bus, as its letter; containers have what they hold. */
export type Type =
  | { readonly code: BasicCode | 'v' }
  | { readonly code: 'a'; readonly of: Type }
  | { readonly code: '(' | '{'; readonly of: readonly Type[] }

/** Types without others in them: byte, boolean, numbers of 16 to 64 bits, double, string, object path, signature. */
export type BasicCode = 'y' | 'b' | 'n' | 'q' | 'i' | 'u' | 'x' | 't' | 'd' | 's' | 'o' | 'g'

const basic: ReadonlySet<string> = new Set('ybnqiuxtdsog')
/** Deepest nesting of arrays, and of structs, in one signature. */
const DEEPEST = 32

/**
 * Reads a signature: a row of complete types. Pure.
 *
 * @throws {@link CgroupError} `ERR_CGROUP_PARSE`: no signature of the specification.
 * @see {@link https://dbus.freedesktop.org/doc/dbus-specification.html#type-system}
 */
export function parseSignature(text: string): readonly Type[] {
  if (text.length > 255) throw damaged(text, 'it has more than 255 letters')
  const types: Type[] = []
  for (let at = 0; at < text.length;) {
    const [type, next] = parseOne(text, at, 0, 0)
    types.push(type)
    at = next
  }
  return types
}

/** A type and where the next one begins. */
function parseOne(text: string, at: number, arrays: number, structs: number): readonly [Type, number] {
  const code = text[at] ?? ''
  if (basic.has(code) || code === 'v') return [{ code: code as BasicCode | 'v' }, at + 1]
  if (arrays > DEEPEST || structs > DEEPEST) throw damaged(text, 'it is nested too deeply')
  if (code === 'a') {
    if (text[at + 1] === '{') return parseDictionary(text, at, arrays, structs)
    const [of, next] = parseOne(text, at + 1, arrays + 1, structs)
    return [{ code, of }, next]
  }
  if (code !== '(') throw damaged(text, `there is no type ${JSON.stringify(code)}`)
  const of: Type[] = []
  let next = at + 1
  while (text[next] !== ')') {
    const [type, after] = parseOne(text, next, arrays, structs + 1)
    of.push(type)
    next = after
  }
  if (of.length === 0) throw damaged(text, 'a struct has members')
  return [{ code, of }, next + 1]
}

function parseDictionary(text: string, at: number, arrays: number, structs: number): readonly [Type, number] {
  if (!basic.has(text[at + 2] ?? '')) throw damaged(text, 'a key has a basic type')
  const [key] = parseOne(text, at + 2, arrays, structs)
  const [value, next] = parseOne(text, at + 3, arrays + 1, structs + 1)
  if (text[next] !== '}') throw damaged(text, 'an entry has a key and a value')
  return [{ code: 'a', of: { code: '{', of: [key, value] } }, next + 1]
}

function damaged(text: string, why: string): CgroupError {
  return new CgroupError(
    'ERR_CGROUP_PARSE',
    `cannot read the D-Bus signature ${JSON.stringify(text.slice(0, 80))}: ${why}`,
  )
}

/** Where values of a type begin: at multiples of this. */
export function alignmentOf({ code }: Type): number {
  switch (code) {
    case 'y':
    case 'g':
    case 'v':
      return 1
    case 'n':
    case 'q':
      return 2
    case 'x':
    case 't':
    case 'd':
    case '(':
    case '{':
      return 8
    default:
      return 4
  }
}

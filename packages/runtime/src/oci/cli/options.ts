import { usageError } from './usage-error.js'

/** An option of a command. */
export interface Option {
  /** `list` may be given several times; of the others the last one counts. */
  readonly type: 'boolean' | 'string' | 'list'
  readonly short?: string
  /** What the value is, for help. */
  readonly value?: string
  readonly help: string
  /** Taken for the sake of callers, left out of help. */
  readonly hidden?: true
}

/** Options by their long names. */
export type Options = Readonly<Record<string, Option>>

/** Values by option. An empty text is as good as none, as engines mean it. */
export type Values<T extends Options> = {
  readonly [Name in keyof T]?:
    | (T[Name]['type'] extends 'boolean'
        ? boolean
        : T[Name]['type'] extends 'list'
          ? readonly string[]
          : string)
    | undefined
}

export interface ParsedArguments<T extends Options> {
  readonly values: Values<T>
  readonly positionals: readonly string[]
}

const truths: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map((text) => [text, false] as const),
])

/**
 * Reads options, which may stand before and after arguments: `--name value`, `--name=value`, `-n value`, `-nvalue`,
 * several short ones together, `--flag=false`. Long ones may have a single dash, as containerd writes one of them. A
 * value may begin with a dash. After `--` nothing is an option.
 *
 * @param rest - Options end at the first argument.
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: an unknown option, or one whose value is missing or
 *   cannot be.
 */
export function parseOptions<T extends Options>(
  options: T,
  argv: readonly string[],
  { rest = false }: { readonly rest?: boolean } = {},
): ParsedArguments<T> {
  const values = Object.create(null) as Record<string, Value>
  const positionals: string[] = []
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at]!
    const isEnd = argument === '--'
    if (isEnd || argument === '-' || !argument.startsWith('-')) {
      if (isEnd || rest)
        return {
          values: values as Values<T>,
          positionals: [...positionals, ...argv.slice(isEnd ? at + 1 : at)],
        }
      positionals.push(argument)
      continue
    }
    for (const { flag, name, type, inline } of flagsOf(options, argument)) {
      if (type === 'boolean') {
        values[name] = truth(flag, inline)
        continue
      }
      const value = inline ?? argv[++at]
      if (value === undefined) throw usageError(`option ${flag} needs a value`)
      if (type === 'string') values[name] = value === '' ? undefined : value
      else ((values[name] ??= []) as string[]).push(value)
    }
  }
  return { values: values as Values<T>, positionals }
}

type Value = boolean | string | string[] | undefined

/** An option as it was given. */
interface Flag {
  /** With its dashes. */
  readonly flag: string
  readonly name: string
  readonly type: Option['type']
  /** The part of the argument that is its value. */
  readonly inline: string | undefined
}

/** What an argument names: one long option, or several short ones of which the last may have a value. */
function flagsOf(options: Options, argument: string): readonly Flag[] {
  const [, dashes, name, inline] = /^(--?)([^=]*)(?:=(.*))?$/s.exec(argument)!
  if (dashes === '--' || (name!.length > 1 && Object.hasOwn(options, name!))) {
    const flag = `--${name!}`
    return [{ flag, name: name!, type: typeOf(options, name!, flag), inline }]
  }
  const flags: Flag[] = []
  for (let at = 1; at < argument.length; at++) {
    const flag = `-${argument[at]!}`
    const [long = ''] = Object.entries(options).find(([, { short }]) => short === argument[at]) ?? []
    const type = typeOf(options, long, flag)
    const others = argument.slice(at + 1)
    const takesThem = type !== 'boolean' && others !== ''
    flags.push({ flag, name: long, type, inline: takesThem ? others.replace(/^=/, '') : undefined })
    if (takesThem) break
  }
  return flags
}

function typeOf(options: Options, name: string, flag: string): Option['type'] {
  if (!Object.hasOwn(options, name)) throw usageError(`unknown option ${flag}`)
  return options[name]!.type
}

function truth(flag: string, value: string | undefined): boolean {
  const known = value === undefined ? true : truths.get(value)
  if (known === undefined) {
    throw usageError(`option ${flag} is either given or not, got ${flag}=${String(value)}`)
  }
  return known
}

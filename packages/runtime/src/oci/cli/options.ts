import { parseArgs } from 'node:util'
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
  const { tokens } = parseArgs({
    args: argv.map((argument) => withTwoDashes(options, argument)),
    options: Object.fromEntries(
      Object.entries(options).map(([name, { type, short }]) => [
        name,
        { type: type === 'boolean' ? 'boolean' : 'string', ...(short === undefined ? {} : { short }) },
      ]),
    ),
    strict: false, // what is wrong is said here, in one way
    allowPositionals: true,
    tokens: true,
  })
  const values = Object.create(null) as Record<string, boolean | string | string[] | undefined>
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'option') {
      const option = Object.hasOwn(options, token.name) ? options[token.name]! : unknown(token.rawName)
      if (option.type === 'boolean') {
        values[token.name] = truth(token.rawName, token.value)
        continue
      }
      const value = token.inlineValue === false ? argv[token.index + 1]! : textOf(token)
      if (option.type === 'string') values[token.name] = value === '' ? undefined : value
      else ((values[token.name] ??= []) as string[]).push(value)
    } else if (rest) {
      const from = token.kind === 'positional' ? token.index : token.index + 1
      return { values: values as Values<T>, positionals: argv.slice(from) }
    } else if (token.kind === 'positional') positionals.push(argv[token.index]!)
  }
  return { values: values as Values<T>, positionals }
}

function withTwoDashes(options: Options, argument: string): string {
  const [, name] = /^-([a-z][\w-]+)(?:=|$)/.exec(argument) ?? []
  return name !== undefined && Object.hasOwn(options, name) ? `-${argument}` : argument
}

function unknown(name: string): never {
  throw usageError(`unknown option ${name}`)
}

function truth(name: string, value: string | undefined): boolean {
  const known = value === undefined ? true : truths.get(value)
  if (known === undefined)
    throw usageError(`option ${name} is either given or not, got ${name}=${String(value)}`)
  return known
}

function textOf({
  rawName,
  value,
  inlineValue,
}: {
  readonly rawName: string
  readonly value: string | undefined
  readonly inlineValue: boolean | undefined
}): string {
  if (value === undefined) throw usageError(`option ${rawName} needs a value`)
  // the parser takes the sign of `-b=folder` for a part of the value
  return inlineValue === true && !rawName.startsWith('--') && value.startsWith('=') ? value.slice(1) : value
}

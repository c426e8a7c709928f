import { hostname } from 'node:os'
import { badRequest } from '../errors.js'
import { BoundedPattern } from './bounded-pattern.js'

/** What log drivers know of a container. */
export interface LogSource {
  readonly id: string
  readonly name: string
  readonly imageId: string
  readonly imageName: string
  /** Program and arguments. */
  readonly command: readonly string[]
  /** In ISO 8601. */
  readonly created: string
  /** `NAME=value` lines. */
  readonly env: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  /** Options of its log. */
  readonly config: Readonly<Record<string, string>>
}

const short = (id: string): string => id.replace(/^sha256:/, '').slice(0, 12)

const fields: Readonly<Record<string, (source: LogSource) => string>> = {
  ID: ({ id }) => short(id),
  FullID: ({ id }) => id,
  Name: ({ name }) => name,
  ImageID: ({ imageId }) => short(imageId),
  ImageFullID: ({ imageId }) => imageId,
  ImageName: ({ imageName }) => imageName,
  Command: ({ command }) => command.join(' '),
  DaemonName: () => 'docker',
  Hostname: () => hostname(),
}

/**
 * The tag of a container's entries: the option `tag` with its fields (`{{.Name}}`) filled in.
 *
 * @param fallback - Where there is no such option.
 * @throws `ApiError` 400 for an action that is no field.
 */
export function tagOf(source: LogSource, fallback = '{{.ID}}'): string {
  const template = source.config['tag']
  return (template === undefined || template === '' ? fallback : template).replaceAll(
    /\{\{(.*?)\}\}/g,
    (_action, inside: string) => fieldOf(inside)(source),
  )
}

/** @throws `ApiError` 400 for a tag that cannot be filled in. */
export function checkTag(template: string): void {
  for (const [, inside = ''] of template.matchAll(/\{\{(.*?)\}\}/g)) fieldOf(inside)
}

function fieldOf(inside: string): (source: LogSource) => string {
  const name = /^-?\s*\.(?:Container)?(\w+)\s*-?$/.exec(inside)?.[1] ?? ''
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (field === undefined)
    throw badRequest(
      `invalid log option tag: {{${inside}}} is not one of ${Object.keys(fields)
        .map((known) => `{{.${known}}}`)
        .join(', ')}`,
    )
  return field
}

/**
 * Labels and variables that the options `labels`, `labels-regex`, `env` and `env-regex` choose.
 *
 * @param keyOf - What a key is called in the entries.
 * @throws `ApiError` 400: a pattern takes too long.
 */
export function attributesOf(
  { config, env, labels }: LogSource,
  keyOf: (key: string) => string = (key) => key,
): Record<string, string> {
  const variables = Object.fromEntries(
    env.filter((line) => line.includes('=')).map((line) => line.split(/=(.*)/s, 2) as [string, string]),
  )
  const found: Record<string, string> = {}
  for (const [values, option] of [
    [labels, 'labels'],
    [variables, 'env'],
  ] as const) {
    const names = new Set((config[option] ?? '').split(',').filter((name) => name !== ''))
    const pattern = config[`${option}-regex`] ?? ''
    const all = Object.entries(values)
    const chosen = pattern === '' ? [] : new BoundedPattern(pattern).matches(all.map(([name]) => name))
    if (chosen === undefined)
      throw badRequest(
        `invalid log option ${option}-regex: it takes too long to try ${JSON.stringify(pattern)}`,
      )
    for (const [at, [name, value]] of all.entries())
      if (names.has(name) || chosen[at] === true) found[keyOf(name)] = value
  }
  return found
}

/** The same with the tag, where there is one, as files have them. */
export function attributesWithTag(source: LogSource): Record<string, string> {
  const attributes = attributesOf(source)
  const tag = tagOf(source, '')
  return tag === '' ? attributes : { ...attributes, tag }
}

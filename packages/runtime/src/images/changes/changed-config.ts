import { posix } from 'node:path'
import type { ImageRunConfig } from '@ctr/registry'
import { RuntimeError } from '../../errors.js'
import { parseHealthcheck } from './healthcheck.js'
import { parseExposed } from './ports.js'
import { expandText, splitWords, type Variables } from './words.js'

/** A config while instructions change it. */
interface Draft {
  config: ImageRunConfig
  /** There was a `CMD`: an `ENTRYPOINT` after it leaves it. */
  hasCmd: boolean
}

type Instruction = (draft: Draft, text: string) => Partial<ImageRunConfig>

/**
 * Applies instructions of a Dockerfile to what containers of an image run: `CMD`, `ENTRYPOINT`, `ENV`, `EXPOSE`,
 * `HEALTHCHECK`, `LABEL`, `ONBUILD`, `STOPSIGNAL`, `USER`, `VOLUME` and `WORKDIR`, in Docker's way.
 *
 * @param changes - One instruction each, such as `ENV A=1` or `CMD ["sh"]`.
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: another instruction, or one that cannot be read.
 * @see {@link https://docs.docker.com/reference/dockerfile/}
 */
export function changedConfig(config: ImageRunConfig, changes: readonly string[]): ImageRunConfig {
  const draft: Draft = { config, hasCmd: false }
  for (const change of changes) {
    const [, name = '', text = ''] = /^\s*([A-Za-z]+)\s+(\S.*?)\s*$/s.exec(change) ?? []
    const instruction = instructions[name.toUpperCase()]
    if (instruction === undefined) throw unreadable(change, `it must be one of ${names} and what it sets`)
    draft.config = { ...draft.config, ...instruction(draft, text) }
  }
  return draft.config
}

const instructions: Readonly<Record<string, Instruction>> = {
  CMD(draft, text) {
    draft.hasCmd = true
    return { Cmd: commandOf(draft, text).words }
  },
  ENTRYPOINT(draft, text) {
    const Entrypoint = commandOf(draft, text).words
    return draft.hasCmd ? { Entrypoint } : { Entrypoint, Cmd: [] }
  },
  ENV({ config }, text) {
    return { Env: withEnv(config.Env ?? [], pairsOf('ENV', text, variablesOf(config))) }
  },
  EXPOSE({ config }, text) {
    const ports = splitWords(text, variablesOf(config)).flatMap(parseExposed)
    return { ExposedPorts: [...new Set([...(config.ExposedPorts ?? []), ...ports])] }
  },
  HEALTHCHECK(draft, text) {
    return { Healthcheck: parseHealthcheck(text, (command) => commandOf(draft, command)) }
  },
  LABEL({ config }, text) {
    return {
      Labels: { ...config.Labels, ...Object.fromEntries(pairsOf('LABEL', text, variablesOf(config))) },
    }
  },
  ONBUILD({ config }, text) {
    const [name = ''] = text.split(/\s/, 1)
    if (['ONBUILD', 'FROM', 'MAINTAINER'].includes(name.toUpperCase()))
      throw unreadable(`ONBUILD ${text}`, `${name.toUpperCase()} cannot be put off`)
    return { OnBuild: [...(config.OnBuild ?? []), text] }
  },
  STOPSIGNAL({ config }, text) {
    return { StopSignal: expandText(text, variablesOf(config)) }
  },
  USER({ config }, text) {
    return { User: expandText(text, variablesOf(config)) }
  },
  VOLUME({ config }, text) {
    const variables = variablesOf(config)
    const paths = jsonWords(text)?.map((path) => expandText(path, variables)) ?? splitWords(text, variables)
    if (paths.includes('')) throw unreadable(`VOLUME ${text}`, 'a path is empty')
    return { Volumes: [...new Set([...(config.Volumes ?? []), ...paths])] }
  },
  WORKDIR({ config }, text) {
    const before = config.WorkingDir === undefined || config.WorkingDir === '' ? '/' : config.WorkingDir
    return { WorkingDir: posix.resolve('/', before, expandText(text, variablesOf(config))) }
  },
}

const names = Object.keys(instructions).join(', ')

/** Variables of an environment, of which the last of a name counts, with new ones in their places. */
export function withEnv(
  env: readonly string[],
  pairs: Iterable<readonly [string, string]>,
): readonly string[] {
  const all = new Map(env.map((entry) => [entry.split('=', 1)[0]!, entry]))
  for (const [name, value] of pairs) all.set(name, `${name}=${value}`)
  return [...all.values()]
}

function variablesOf({ Env = [] }: ImageRunConfig): Variables {
  return new Map(Env.map((entry) => [entry.split('=', 1)[0]!, entry.slice(entry.indexOf('=') + 1)]))
}

/** `a=1 b="2 3"`, or the old form `a 1`. */
function pairsOf(name: string, text: string, variables: Variables): (readonly [string, string])[] {
  const [, key, value] = /^([^\s="'$\\]+)\s+(.*)$/s.exec(text) ?? []
  if (key !== undefined) return [[key, expandText(value!, variables)]]
  return splitWords(text, variables).map((word) => {
    const at = word.indexOf('=')
    if (at <= 0) throw unreadable(`${name} ${text}`, `${JSON.stringify(word)} must be NAME=VALUE`)
    return [word.slice(0, at), word.slice(at + 1)]
  })
}

/** A JSON list is a command as it is, anything else a line for the shell. */
function commandOf(
  { config }: Draft,
  text: string,
): { readonly words: readonly string[]; readonly isShell: boolean } {
  const words = jsonWords(text)
  if (words !== undefined) return { words, isShell: false }
  return { words: [...(config.Shell ?? ['/bin/sh', '-c']), text], isShell: true }
}

function jsonWords(text: string): readonly string[] | undefined {
  try {
    const json: unknown = JSON.parse(text)
    if (Array.isArray(json) && json.every((word) => typeof word === 'string')) return json
  } catch {
    // no list: a line of words
  }
  return undefined
}

function unreadable(change: string, why: string): RuntimeError {
  return new RuntimeError(
    'ERR_RUNTIME_INVALID_ARG',
    `cannot use the change ${JSON.stringify(change)}: ${why}`,
  )
}

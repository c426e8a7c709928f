import { isDigest } from './digest.js'
import {
  listAt,
  objectAt,
  optional,
  parseJsonObject,
  present,
  stringAt,
  stringMapAt,
  stringsAt,
  unexpected,
  type JsonObject,
} from './json-shape.js'

/** How to check that a container works (Docker's extension of the image config). Times in nanoseconds. */
export interface Healthcheck {
  /** `['NONE']`, `['CMD', …]` or `['CMD-SHELL', command]`. */
  readonly Test?: readonly string[]
  readonly Interval?: number
  readonly Timeout?: number
  readonly StartPeriod?: number
  readonly StartInterval?: number
  readonly Retries?: number
}

/** What a container of the image runs when nothing else is said. Member names are the specification's. */
export interface ImageRunConfig {
  /** `user`, `uid`, `user:group` or `uid:gid`. */
  readonly User?: string
  /** Set of `port/protocol`. */
  readonly ExposedPorts?: readonly string[]
  /** `NAME=value`. */
  readonly Env?: readonly string[]
  readonly Entrypoint?: readonly string[]
  readonly Cmd?: readonly string[]
  /** Set of paths that want a volume. */
  readonly Volumes?: readonly string[]
  readonly WorkingDir?: string
  readonly Labels?: Readonly<Record<string, string>>
  readonly StopSignal?: string
  readonly Shell?: readonly string[]
  /** Instructions for builds that stand on the image (Docker's extension). */
  readonly OnBuild?: readonly string[]
  readonly Healthcheck?: Healthcheck
}

/** One step of how the image was built. */
export interface ImageHistory {
  readonly created?: string
  readonly created_by?: string
  readonly author?: string
  readonly comment?: string
  /** The step made no layer. */
  readonly empty_layer?: boolean
}

/** An image's config (image-spec, "Image Configuration"), the members that running it needs. */
export interface ImageConfig {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
  /** RFC 3339. */
  readonly created?: string
  readonly author?: string
  readonly config: ImageRunConfig
  /** Digests of the layers' uncompressed tar archives, lowest first. */
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly string[] }
  readonly history: readonly ImageHistory[]
}

/**
 * Reads an image config. Every member is checked; unknown ones are left out.
 *
 * @throws {@link RegistryError} `ERR_REGISTRY_BAD_MANIFEST`: a member has an unexpected shape.
 * @see {@link https://github.com/opencontainers/image-spec/blob/main/config.md}
 */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  const json = parseJsonObject(Buffer.from(bytes).toString('utf8'), 'image config')
  const rootfs = objectAt(json['rootfs'], 'config.rootfs')
  const diffIds = stringsAt(rootfs['diff_ids'], 'config.rootfs.diff_ids')
  const wrong = diffIds.find((digest) => !isDigest(digest))
  if (wrong !== undefined) throw unexpected('config.rootfs.diff_ids', 'SHA-256 or SHA-512 digests', wrong)
  return {
    os: stringAt(json['os'], 'config.os'),
    architecture: stringAt(json['architecture'], 'config.architecture'),
    ...strings(json, 'config', ['variant', 'created', 'author'] as const),
    config: parseRunConfig(json['config']),
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: listAt(json['history'], 'config.history').map((item, n) =>
      parseHistory(item, `config.history[${n}]`),
    ),
  }
}

function parseRunConfig(value: unknown): ImageRunConfig {
  const at = 'config.config'
  const json = optional(value, (item) => objectAt(item, at)) ?? {}
  return {
    ...strings(json, at, ['User', 'WorkingDir', 'StopSignal'] as const),
    ...present({
      Env: optional(json['Env'], (item) => stringsAt(item, `${at}.Env`)),
      // Go writes a single word where old images have one instead of a list
      Entrypoint: optional(json['Entrypoint'], (item) => words(item, `${at}.Entrypoint`)),
      Cmd: optional(json['Cmd'], (item) => words(item, `${at}.Cmd`)),
      Shell: optional(json['Shell'], (item) => stringsAt(item, `${at}.Shell`)),
      OnBuild: optional(json['OnBuild'], (item) => stringsAt(item, `${at}.OnBuild`)),
      ExposedPorts: optional(json['ExposedPorts'], (item) =>
        Object.keys(objectAt(item, `${at}.ExposedPorts`)),
      ),
      Volumes: optional(json['Volumes'], (item) => Object.keys(objectAt(item, `${at}.Volumes`))),
      Labels: optional(json['Labels'], (item) => stringMapAt(item, `${at}.Labels`)),
      Healthcheck: optional(json['Healthcheck'], (item) => parseHealthcheck(item, `${at}.Healthcheck`)),
    }),
  }
}

function parseHealthcheck(value: unknown, at: string): Healthcheck {
  const json = objectAt(value, at)
  const numbers = ['Interval', 'Timeout', 'StartPeriod', 'StartInterval', 'Retries'] as const
  const pairs = numbers.map(
    (key) => [key, optional(json[key], (item) => numberAt(item, `${at}.${key}`))] as const,
  )
  return present({
    Test: optional(json['Test'], (item) => stringsAt(item, `${at}.Test`)),
    ...Object.fromEntries(pairs),
  })
}

function parseHistory(value: unknown, at: string): ImageHistory {
  const json = objectAt(value, at)
  return {
    ...strings(json, at, ['created', 'created_by', 'author', 'comment'] as const),
    ...(json['empty_layer'] === true ? { empty_layer: true } : {}),
  }
}

function strings<K extends string>(
  json: JsonObject,
  at: string,
  keys: readonly K[],
): Partial<Record<K, string>> {
  const pairs = keys.map(
    (key) => [key, optional(json[key], (item) => stringAt(item, `${at}.${key}`))] as const,
  )
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined)) as Partial<Record<K, string>>
}

function words(value: unknown, at: string): readonly string[] {
  return typeof value === 'string' ? [value] : stringsAt(value, at)
}

function numberAt(value: unknown, at: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw unexpected(at, 'a number', value)
  return value
}

import { arch, endianness } from 'node:os'
import { RegistryError } from '../errors.js'
import { objectAt, optional, present, stringAt } from './json-shape.js'

/** What an image runs on, in Go's words (image-spec, "Image Index Property Descriptions"). */
export interface Platform {
  /** `linux`. */
  readonly os: string
  /** `amd64`, `arm64`, `arm`, `386`, `ppc64le`, `s390x`, `riscv64`… */
  readonly architecture: string
  /** Level of the architecture: `v7` of `arm`, `v3` of `amd64`. */
  readonly variant?: string
}

/** Other names people and kernels use for Go's architectures. */
const aliases: ReadonlyMap<string, readonly [architecture: string, variant?: string]> = new Map([
  ['x86_64', ['amd64']],
  ['x86-64', ['amd64']],
  ['aarch64', ['arm64']],
  ['i386', ['386']],
  ['i686', ['386']],
  ['armhf', ['arm', 'v7']],
  ['armel', ['arm', 'v6']],
])

/** The variant that is meant when none is written. */
const impliedVariant: ReadonlyMap<string, string> = new Map([
  ['amd64', 'v1'],
  ['arm64', 'v8'],
  ['arm', 'v7'],
])

/**
 * Reads `os/architecture[/variant]`, such as `linux/arm64/v8`. The architecture alone means `linux`.
 * Kernel names (`x86_64`, `aarch64`) are understood.
 *
 * @throws {@link RegistryError} `ERR_REGISTRY_INVALID_ARG`: not of this form.
 */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/')
  const isFine = parts.length <= 3 && parts.every((part) => /^[A-Za-z0-9_.-]{1,64}$/.test(part))
  if (!isFine) {
    throw new RegistryError(
      'ERR_REGISTRY_INVALID_ARG',
      `cannot read platform ${JSON.stringify(text.slice(0, 200))}: it must be os/architecture[/variant]`,
    )
  }
  const [os = 'linux', architecture = '', variant] = parts.length === 1 ? ['linux', ...parts] : parts
  const [name, aliasVariant] = aliases.get(architecture.toLowerCase()) ?? [architecture.toLowerCase()]
  const level = variant ?? aliasVariant
  return { os: os.toLowerCase(), architecture: name, ...(level === undefined ? {} : { variant: level }) }
}

/** Writes a platform as `os/architecture[/variant]`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join('/')
}

/** The platform of containers on this machine: Linux, whatever the host, and the processor Node runs on. */
export function hostPlatform(): Platform {
  const names: Readonly<Record<string, string>> = {
    x64: 'amd64',
    ia32: '386',
    loong64: 'loong64',
    mipsel: 'mipsle',
    ppc64: endianness() === 'LE' ? 'ppc64le' : 'ppc64',
  }
  const machine = arch()
  return { os: 'linux', architecture: names[machine] ?? machine }
}

/**
 * Picks the entry of an index that fits best: same system and architecture, and the highest variant that
 * is not above the wanted one (`arm/v7` runs `v6` when there is no `v7`).
 *
 * @returns `undefined` when nothing fits.
 */
export function selectPlatform<T extends { readonly platform?: Platform }>(
  entries: readonly T[],
  wanted: Platform,
): T | undefined {
  const level = variantLevel(wanted)
  let best: { entry: T; level: number } | undefined
  for (const entry of entries) {
    const { platform } = entry
    if (platform?.os !== wanted.os || platform.architecture !== wanted.architecture) continue
    const offered = variantLevel(platform)
    if (offered <= level && (best === undefined || offered > best.level)) best = { entry, level: offered }
  }
  return best?.entry
}

/** Reads a platform from an index. Entries for other systems carry more members, which are not kept. */
export function parsePlatformObject(value: unknown, at: string): Platform {
  const { os, architecture, variant } = objectAt(value, at)
  const level = optional(variant, (item) => stringAt(item, `${at}.variant`))
  return {
    os: stringAt(os, `${at}.os`),
    architecture: stringAt(architecture, `${at}.architecture`),
    ...present({ variant: level === '' ? undefined : level }),
  }
}

/** `v8` is 8, `v8.2` is 8.2; a word that is no level sorts above all of them. */
function variantLevel({ architecture, variant }: Platform): number {
  const match = /^v(\d+(?:\.\d+)?)$/.exec(variant ?? impliedVariant.get(architecture) ?? 'v0')
  return match === null ? Infinity : Number(match[1])
}

import { allCapabilities, type Capability, defaultCapabilities, parseCapability } from './capability.js'

/** What {@link resolveCapabilities} chooses from. */
export interface CapabilityOptions {
  /** Names to add, in any case, with or without `CAP_`; `ALL` for every one. */
  readonly add?: readonly string[] | undefined
  /** Names to drop, or `ALL`. */
  readonly drop?: readonly string[] | undefined
  /** Every capability, whatever `add` and `drop` say. */
  readonly privileged?: boolean | undefined
  /** What `add` and `drop` start from. Default {@link defaultCapabilities}. */
  readonly basics?: readonly Capability[] | undefined
  /**
   * Capabilities that there are at all, which `privileged` and `ALL` stand for: the caller's own bounding set where
   * it is smaller. Default {@link allCapabilities}.
   */
  readonly available?: readonly Capability[] | undefined
}

/**
 * Capabilities of a container by the rules of `docker run --cap-add --cap-drop --privileged`:
 * adding `ALL` gives all but the named drops, dropping `ALL` leaves just the adds, otherwise the drops are taken off
 * the basics and the adds put on; a name in both is added.
 *
 * @returns The set in the order of capability numbers, each once.
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: a name is no capability.
 */
export function resolveCapabilities(options: CapabilityOptions = {}): readonly Capability[] {
  const { add = [], drop = [], privileged = false } = options
  const { basics = defaultCapabilities, available = allCapabilities } = options
  if (privileged) return ordered(available)
  const added = parse(add)
  const dropped = parse(drop)
  if (added.all) return ordered(available.filter((one) => !dropped.names.has(one)))
  if (dropped.all) return ordered(added.names)
  return ordered([...basics.filter((one) => !dropped.names.has(one)), ...added.names])
}

function parse(texts: readonly string[]): { readonly all: boolean; readonly names: ReadonlySet<Capability> } {
  const isAll = (text: string) => text.toUpperCase() === 'ALL'
  return {
    all: texts.some(isAll),
    names: new Set(texts.filter((text) => !isAll(text)).map(parseCapability)),
  }
}

function ordered(capabilities: Iterable<Capability>): readonly Capability[] {
  const set = new Set(capabilities)
  return allCapabilities.filter((one) => set.has(one))
}

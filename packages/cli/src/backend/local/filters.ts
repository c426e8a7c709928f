import { ReferencePattern } from '@ctr/registry'
import { usageError } from '../../errors.js'
import type { Filters } from '../backend.js'
import { parseTime } from '../../options/parse-time.js'
import { repositoryAndTag } from '../../output/image-name.js'
import type { ContainerRow, ImageRow, NetworkRow, VolumeRow } from '../rows.js'

type Match<Row> = (row: Row, wanted: string) => boolean

const ofContainers: Readonly<Record<string, Match<ContainerRow>>> = {
  ancestor: ({ image, imageId }, wanted) =>
    image === wanted || image === `${wanted}:latest` || isId(imageId, wanted),
  exited: ({ state, exitCode }, wanted) => state === 'exited' && String(exitCode) === wanted,
  id: ({ id }, wanted) => isId(id, wanted),
  label: ({ labels }, wanted) => hasLabel(labels, wanted),
  name: ({ name }, wanted) => `/${name}`.includes(wanted.replace(/^\^?\/?|\$$/g, '')),
  network: ({ networks }, wanted) => networks.includes(wanted),
  status: ({ state }, wanted) => state === wanted,
  volume: ({ volumes }, wanted) => volumes.includes(wanted),
}

const ofImages: Readonly<Record<string, Match<ImageRow>>> = {
  dangling: ({ names }, wanted) => (names[0]?.repository === '<none>') === isTrue(wanted),
  label: ({ labels }, wanted) => hasLabel(labels, wanted),
  // no other names are left than those that were asked for
  reference: ({ names }) => names.length > 0,
}

const ofNetworks: Readonly<Record<string, Match<NetworkRow>>> = {
  driver: ({ driver }, wanted) => driver === wanted,
  id: ({ id }, wanted) => isId(id, wanted),
  label: ({ labels }, wanted) => hasLabel(labels, wanted),
  name: ({ name }, wanted) => name.includes(wanted),
  scope: ({ scope }, wanted) => scope === wanted,
}

const ofVolumes: Readonly<Record<string, Match<VolumeRow>>> = {
  dangling: ({ users }, wanted) => (users === 0) === isTrue(wanted),
  driver: ({ driver }, wanted) => driver === wanted,
  label: ({ labels }, wanted) => hasLabel(labels, wanted),
  name: ({ name }, wanted) => name.includes(wanted),
}

/** Containers that match every filter by one of its values; every label has to be there. */
export function matchContainers(rows: readonly ContainerRow[], filters: Filters): readonly ContainerRow[] {
  return rows.filter((row) => matches(row, filters, ofContainers))
}

/**
 * The same for images. Of one with several names those are left that were asked for.
 *
 * @throws `RegistryError` `ERR_REGISTRY_INVALID_ARG`: a malformed pattern of references.
 */
export function matchImages(rows: readonly ImageRow[], filters: Filters): readonly ImageRow[] {
  const patterns = filters['reference']?.map((text) => new ReferencePattern(text))
  const named = patterns === undefined ? rows : rows.map((row) => withNames(row, patterns))
  return named.filter((row) => matches(row, filters, ofImages))
}

function withNames(row: ImageRow, patterns: readonly ReferencePattern[]): ImageRow {
  const isAsked = (name: string): boolean => patterns.some((pattern) => pattern.matches(name))
  const names = row.names.filter(({ repository, tag }) =>
    tag === '<none>'
      ? row.digests.some((digest) => repositoryAndTag(digest).repository === repository && isAsked(digest))
      : isAsked(`${repository}:${tag}`),
  )
  return { ...row, names }
}

/** The same for networks. */
export function matchNetworks(rows: readonly NetworkRow[], filters: Filters): readonly NetworkRow[] {
  return rows.filter((row) => matches(row, filters, ofNetworks))
}

/** The same for volumes. */
export function matchVolumes(rows: readonly VolumeRow[], filters: Filters): readonly VolumeRow[] {
  return rows.filter((row) => matches(row, filters, ofVolumes))
}

/** Something that may be removed. */
export interface Prunable {
  readonly labels: Readonly<Record<string, string>>
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

/**
 * Reads the filters of a prune: `label`, each of which has to be there, `label!`, of which all must not be there, and
 * `until`, before which things must have been made.
 *
 * @param known - Those that there are.
 * @returns Whether something is to be removed; undefined for everything.
 * @throws `CliError` `ERR_CLI_USAGE`: there is no such filter, or it is no time.
 */
export function pruneFilter(
  filters: Filters,
  known: readonly string[] = ['label', 'label!', 'until'],
): ((one: Prunable) => boolean) | undefined {
  const names = Object.keys(filters)
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) throw noFilter(unknown, known)
  if (names.length === 0) return undefined
  const { label = [], 'label!': without = [], until: [until] = [] } = filters
  const before =
    until === undefined ? Number.POSITIVE_INFINITY : Number(parseTime(until, '--filter until')) * 1000
  return ({ labels, createdAt }) =>
    label.every((one) => hasLabel(labels, one)) &&
    !(without.length > 0 && without.every((one) => hasLabel(labels, one))) &&
    createdAt < before
}

/** @throws `CliError` `ERR_CLI_USAGE`: there is no such filter. */
function matches<Row>(row: Row, filters: Filters, known: Readonly<Record<string, Match<Row>>>): boolean {
  return Object.entries(filters).every(([name, values]) => {
    if (!Object.hasOwn(known, name)) throw noFilter(name, Object.keys(known))
    const match = known[name]!
    return name === 'label'
      ? values.every((value) => match(row, value))
      : values.some((value) => match(row, value))
  })
}

function noFilter(name: string, known: readonly string[]): Error {
  return usageError(`invalid filter "${name}": ${known.join(', ')} are there`)
}

function isTrue(text: string): boolean {
  return ['1', 'true'].includes(text)
}

function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const at = wanted.indexOf('=')
  const name = at < 0 ? wanted : wanted.slice(0, at)
  return Object.hasOwn(labels, name) && (at < 0 || labels[name] === wanted.slice(at + 1))
}

function isId(id: string, wanted: string): boolean {
  const digits = (text: string): string => text.replace(/^sha256:/, '')
  return /^(sha256:)?[0-9a-f]+$/.test(wanted) && digits(id).startsWith(digits(wanted))
}

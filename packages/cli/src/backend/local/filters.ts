import { usageError } from '../../errors.js'
import type { Filters } from '../backend.js'
import type { ContainerRow, ImageRow } from '../rows.js'

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
  dangling: ({ names }, wanted) => (names[0]?.repository === '<none>') === ['1', 'true'].includes(wanted),
  label: ({ labels }, wanted) => hasLabel(labels, wanted),
  reference: ({ names }, wanted) =>
    names.some(({ repository, tag }) => {
      const pattern = wanted.includes(':', wanted.lastIndexOf('/') + 1) ? wanted : `${wanted}:*`
      return globOf(pattern).test(`${repository}:${tag}`)
    }),
}

/** Containers that match every filter by one of its values; every label has to be there. */
export function matchContainers(rows: readonly ContainerRow[], filters: Filters): readonly ContainerRow[] {
  return rows.filter((row) => matches(row, filters, ofContainers))
}

/** The same for images. */
export function matchImages(rows: readonly ImageRow[], filters: Filters): readonly ImageRow[] {
  return rows.filter((row) => matches(row, filters, ofImages))
}

/** @throws `CliError` `ERR_CLI_USAGE`: there is no such filter. */
function matches<Row>(row: Row, filters: Filters, known: Readonly<Record<string, Match<Row>>>): boolean {
  return Object.entries(filters).every(([name, values]) => {
    if (!Object.hasOwn(known, name))
      throw usageError(`invalid filter "${name}": ${Object.keys(known).join(', ')} are there`)
    const match = known[name]!
    return name === 'label'
      ? values.every((value) => match(row, value))
      : values.some((value) => match(row, value))
  })
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

/** `*` stands for anything but a slash. */
function globOf(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('[^/]*')}$`)
}

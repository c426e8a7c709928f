import type { Runtime } from '@ctr/runtime'
import type { ManagedContainer } from '../containers/managed-container.js'
import { badRequest } from '../errors.js'
import { matchesName } from '../http/match-name.js'
import type { Filters } from '../http/query.js'
import { statusText } from './container-state.js'
import { mountsOf } from './mounts.js'
import { networkSettings, portsOf } from './networks.js'

/** Names of filters of `GET /containers/json`. */
export const containerFilters = [
  'ancestor',
  'before',
  'exited',
  'expose',
  'health',
  'id',
  'is-task',
  'label',
  'name',
  'network',
  'publish',
  'since',
  'status',
  'volume',
]

/** Of filters that take no others. */
const values: Readonly<Record<string, RegExp>> = {
  status: /^(created|restarting|running|removing|paused|exited|dead)$/,
  health: /^(none|starting|healthy|unhealthy)$/,
  exited: /^-?\d+$/,
  publish: /^\d{1,5}(-\d{1,5})?(\/(tcp|udp|sctp))?$/,
  expose: /^\d{1,5}(-\d{1,5})?(\/(tcp|udp|sctp))?$/,
  'is-task': /^(true|false|0|1)$/,
}

function checkValues(filters: Filters): void {
  for (const [name, pattern] of Object.entries(values)) {
    const wrong = filters.get(name).find((value) => !pattern.test(value))
    if (wrong !== undefined) throw badRequest(`invalid filter '${name}=${wrong}'`)
  }
}

/** The containers that filters let through; `all` lets those through that do not run. */
export function selectContainers(
  containers: readonly ManagedContainer[],
  filters: Filters,
  { all, find }: { readonly all: boolean; readonly find: (wanted: string) => ManagedContainer },
): readonly ManagedContainer[] {
  checkValues(filters)
  const asksStatus = filters.get('status').length > 0 || filters.get('exited').length > 0
  const before = filters.get('before').map((wanted) => find(wanted).document.created)
  const since = filters.get('since').map((wanted) => find(wanted).document.created)
  return containers.filter((container) => {
    const { document, handle, status } = container
    if (!all && !asksStatus && !container.isRunning && status !== 'restarting') return false
    const record = handle.inspect()
    const ports = Object.keys(portsOf(container))
    const { mode, networks: places } = record.network
    const networks = mode === 'bridge' ? places.map(({ name }) => name) : [mode]
    return (
      before.every((time) => document.created < time) &&
      since.every((time) => document.created > time) &&
      filters.labels(record.labels) &&
      filters.any('status', (wanted) => wanted === status) &&
      filters.any('exited', (code) => status === 'exited' && document.exitCode === Number(code)) &&
      filters.flag('is-task', false) &&
      filters.any('id', (id) => document.id.startsWith(id)) &&
      filters.any('name', (pattern) => matchesName(pattern, document.name)) &&
      filters.any('ancestor', (image) => isOf(image, document.body.Image, document.imageId)) &&
      filters.any('network', (name) => networks.includes(name)) &&
      filters.any('health', (health) => health === container.health.status) &&
      filters.any('volume', (wanted) =>
        mountsOf(container, '').some(({ Name, Destination }) => Name === wanted || Destination === wanted),
      ) &&
      filters.any('publish', (port) => ports.includes(port.includes('/') ? port : `${port}/tcp`)) &&
      filters.any('expose', (port) => ports.includes(port.includes('/') ? port : `${port}/tcp`))
    )
  })
}

function isOf(wanted: string, image: string, imageId: string): boolean {
  const withTag = (name: string): string => (/:[^/]*$/.test(name) ? name : `${name}:latest`)
  return (
    withTag(wanted) === withTag(image) ||
    imageId.replace('sha256:', '').startsWith(wanted.replace('sha256:', ''))
  )
}

/** An entry of `GET /containers/json`. */
export function listEntry(container: ManagedContainer, runtime: Runtime): Record<string, unknown> {
  const { document, handle } = container
  const record = handle.inspect()
  const { Networks } = networkSettings(container, runtime)
  return {
    Id: document.id,
    Names: [`/${document.name}`],
    Image: document.body.Image,
    ImageID: document.imageId,
    Command: commandText(record.command),
    Created: Math.floor(Date.parse(document.created) / 1000),
    Ports: Object.entries(portsOf(container)).flatMap(([key, bindings]) => portEntries(key, bindings)),
    Labels: record.labels,
    State: container.status,
    Status: statusText(container),
    HostConfig: { NetworkMode: document.body.HostConfig?.NetworkMode ?? 'bridge' },
    NetworkSettings: { Networks },
    Mounts: mountsOf(container, runtime.volumes.folder),
  }
}

function portEntries(key: string, bindings: readonly object[] | null): readonly object[] {
  const [port = '', Type = 'tcp'] = key.split('/')
  const PrivatePort = Number(port)
  if (bindings === null) return [{ PrivatePort, Type }]
  return bindings.map((binding) => {
    const { HostIp, HostPort } = binding as { readonly HostIp: string; readonly HostPort: string }
    return { IP: HostIp, PrivatePort, PublicPort: Number(HostPort), Type }
  })
}

function commandText(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ')
}

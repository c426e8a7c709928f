import type { StoredImage } from '@ctr/registry'
import type { Container } from '@ctr/runtime'
import { exitCodeOf, portsText, stateOf, statusText } from '../../output/container-status.js'
import { repositoryAndTag } from '../../output/image-name.js'
import type { ContainerRow, ImageRow } from '../rows.js'

/** A container of the runtime, for lists. */
export function containerRow(container: Container): ContainerRow {
  const record = container.inspect()
  const { id, name, image, imageId, rootfs, command, createdAt, labels, network, volumes } = record
  return {
    id,
    name,
    image: image ?? rootfs ?? '',
    imageId: imageId ?? '',
    command: command.join(' '),
    createdAt: Date.parse(createdAt),
    state: stateOf(container),
    status: statusText(container),
    ports: portsText(container),
    labels,
    networks: network.mode === 'bridge' ? network.networks.map((one) => one.name) : [network.mode],
    volumes: volumes.map((volume) => volume.name),
    exitCode: exitCodeOf(container),
    document: documentOf(container),
  }
}

function documentOf(container: Container): unknown {
  const { id, name, image, imageId, rootfs, command, createdAt, pid, labels, network, exit, status } =
    container.inspect()
  const isRunning = status === 'running'
  return {
    id,
    name,
    image,
    imageId,
    rootfs,
    command,
    createdAt,
    state: stateOf(container),
    status: statusText(container),
    pid: isRunning ? pid : null,
    exitCode: exitCodeOf(container),
    oomKilled: exit?.oomKilled ?? false,
    finishedAt: exit?.finishedAt ?? null,
    network: network.mode,
    address: isRunning ? network.address : null,
    ports: isRunning ? network.ports : [],
    labels,
  }
}

/** An image of the runtime, for lists. */
export function imageRow(image: StoredImage): ImageRow {
  const { id, references, repositoryDigests, config, size, layers } = image
  const { os, architecture, variant = null, created = null } = config
  return {
    id,
    names:
      references.length === 0 ? [{ repository: '<none>', tag: '<none>' }] : references.map(repositoryAndTag),
    digests: repositoryDigests,
    labels: config.config.Labels ?? {},
    createdAt: created === null ? undefined : Date.parse(created),
    size,
    document: {
      id,
      references,
      repositoryDigests,
      os,
      architecture,
      variant,
      created,
      size,
      layers: layers.map(({ diffId }) => diffId),
    },
  }
}

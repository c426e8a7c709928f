import { parseReference, formatReference, type StoredImage } from '@ctr/registry'
import { imageSize, type LayerSizes } from '../disk/image-sizes.js'

/** A reference as people write it. */
export const familiar = (reference: string): string =>
  formatReference(parseReference(reference), { short: true })

/** Names of an image as people write them: `busybox:latest`. */
export function repoTags({ references }: StoredImage): string[] {
  return references.filter((name) => !name.includes('@')).map(familiar)
}

/** The same by what registries have: `busybox@sha256:...`. */
export function repoDigests({ repositoryDigests }: StoredImage): string[] {
  return repositoryDigests.map(familiar)
}

/**
 * Id of the image that an image was made of, by `docker commit` or a builder that says so as OCI has it; an empty text
 * when it is none of these.
 */
function parentOf({ manifest }: StoredImage, all: readonly StoredImage[]): string {
  const base = manifest.annotations?.['org.opencontainers.image.base.digest']
  if (base === undefined) return ''
  return all.find(({ descriptor, index }) => [descriptor.digest, index?.digest].includes(base))?.id ?? ''
}

function secondsOf(time: string | undefined): number {
  const ms = Date.parse(time ?? '')
  return Number.isNaN(ms) ? 0 : Math.floor(ms / 1000)
}

/**
 * An entry of `GET /images/json`.
 *
 * @param all - All images that are here, of which one may be its parent.
 */
export function imageEntry(
  image: StoredImage,
  sizes: LayerSizes,
  all: readonly StoredImage[],
  containers: number,
): Record<string, unknown> {
  return {
    Id: image.id,
    ParentId: parentOf(image, all),
    RepoTags: repoTags(image),
    RepoDigests: repoDigests(image),
    Created: secondsOf(image.config.created),
    Size: imageSize(image, sizes),
    SharedSize: -1,
    Labels: image.config.config.Labels ?? null,
    Containers: containers,
  }
}

/** The document of `GET /images/{name}/json`. */
export function inspectImage(
  image: StoredImage,
  sizes: LayerSizes,
  all: readonly StoredImage[],
): Record<string, unknown> {
  const { config } = image
  const set = (names: readonly string[] | undefined) =>
    names === undefined ? undefined : Object.fromEntries(names.map((name) => [name, {}]))
  return {
    Id: image.id,
    RepoTags: repoTags(image),
    RepoDigests: repoDigests(image),
    Parent: parentOf(image, all),
    Comment: config.history.at(-1)?.comment ?? '',
    Created: config.created ?? '0001-01-01T00:00:00Z',
    DockerVersion: '',
    Author: config.author ?? '',
    Architecture: config.architecture,
    Variant: config.variant,
    Os: config.os,
    Size: imageSize(image, sizes),
    GraphDriver: { Name: 'overlay2', Data: null },
    RootFS: { Type: 'layers', Layers: config.rootfs.diff_ids },
    // nobody keeps when it was named; clients show this as when it was made
    Metadata: { LastTagTime: config.created ?? '0001-01-01T00:00:00Z' },
    Config: {
      ...config.config,
      ExposedPorts: set(config.config.ExposedPorts),
      Volumes: set(config.config.Volumes) ?? null,
      User: config.config.User ?? '',
      WorkingDir: config.config.WorkingDir ?? '',
      OnBuild: config.config.OnBuild ?? null,
      Cmd: config.config.Cmd ?? null,
      Entrypoint: config.config.Entrypoint ?? null,
      Labels: config.config.Labels ?? null,
    },
  }
}

/** The list of `GET /images/{name}/history`, the newest first. */
export function imageHistory(image: StoredImage, sizes: LayerSizes): readonly Record<string, unknown>[] {
  const { history } = image.config
  let layer = 0
  const entries = history.map(({ created, created_by, comment, empty_layer }, n) => {
    const size = empty_layer === true ? 0 : (sizes.get(image.layers[layer++]?.diffId ?? '') ?? 0)
    const isLast = n === history.length - 1
    return {
      Id: isLast ? image.id : '<missing>',
      Created: secondsOf(created),
      CreatedBy: created_by ?? '',
      Tags: isLast ? repoTags(image) : null,
      Size: size,
      Comment: comment ?? '',
    }
  })
  return entries.reverse()
}

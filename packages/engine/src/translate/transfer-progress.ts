import { parseReference, type ImageProgress, type StoredImage } from '@ctr/registry'
import type { UnpackProgress } from '@ctr/runtime'

/** Sends a message. */
type Send = (value: Readonly<Record<string, unknown>>) => void

const shortId = (digest: string): string => digest.replace(/^sha256:/, '').slice(0, 12)

/** Messages of `docker pull`. */
export function pullProgress(
  reference: string,
  send: Send,
): {
  readonly onEvent: (event: ImageProgress | UnpackProgress) => void
  readonly end: (image: StoredImage) => void
} {
  const tag = /:([^/:]*)$/.exec(reference)?.[1] ?? 'latest'
  let config = ''
  let isNew = false
  send({ status: `Pulling from ${parseReference(reference).repository}`, id: tag })
  const words = {
    waiting: 'Pulling fs layer',
    exists: 'Already exists',
    running: 'Downloading',
    retrying: 'Retrying',
    done: 'Pull complete',
  }
  return {
    onEvent(event) {
      if (event.kind === 'manifest') config = event.blobs[0]?.digest ?? ''
      if (event.kind !== 'blob' || event.digest === config) return
      isNew ||= event.status === 'done'
      send({
        status: words[event.status],
        id: shortId(event.digest),
        ...detail(event, event.status === 'running'),
      })
    },
    end({ descriptor, index }) {
      send({ status: `Digest: ${(index ?? descriptor).digest}` })
      send({ status: `Status: ${isNew ? 'Downloaded newer image' : 'Image is up to date'} for ${reference}` })
    },
  }
}

/** Messages of `docker push`. */
export function pushProgress(
  reference: string,
  send: Send,
): { readonly onEvent: (event: ImageProgress) => void; readonly end: (digest: string) => void } {
  const tag = /:([^/:]*)$/.exec(reference)?.[1] ?? 'latest'
  let size = 0
  send({ status: `The push refers to repository [${reference.replace(/[:@][^/]*$/, '')}]` })
  const words = {
    waiting: 'Preparing',
    exists: 'Layer already exists',
    running: 'Pushing',
    retrying: 'Retrying',
    done: 'Pushed',
  }
  return {
    onEvent(event) {
      if (event.kind === 'manifest') size = event.blobs.reduce((sum, blob) => sum + blob.size, 0)
      if (event.kind !== 'blob') return
      send({
        status: words[event.status],
        id: shortId(event.digest),
        ...detail(event, event.status === 'running'),
      })
    },
    end(digest) {
      send({ status: `${tag}: digest: ${digest} size: ${size}` })
      send({ progressDetail: {}, aux: { Tag: tag, Digest: digest, Size: size } })
    },
  }
}

function detail(
  { transferred, size }: { readonly transferred: number; readonly size: number },
  isRunning: boolean,
): Record<string, unknown> {
  return { progressDetail: isRunning ? { current: transferred, total: size } : {} }
}

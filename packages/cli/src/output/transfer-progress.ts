import type { MultiBar as MultiBarOfLibrary, SingleBar } from 'cli-progress'
import type { PullImageOptions } from '@ctr/runtime'
import { isReadable } from '@ctr/start'
import { formatSize } from './humanize.js'
import { shortName } from './image-name.js'
import { shortId } from './short-id.js'

/** What a pull or a push tells. */
export type TransferEvent = Parameters<NonNullable<PullImageOptions['onProgress']>>[0]

/** Progress on its way to the screen. Disposing of it ends the bars. */
export interface ShownProgress extends Disposable {
  readonly onEvent: (event: TransferEvent) => void
}

/** Shows a transfer: a bar for every layer on a terminal, a line for every step elsewhere. */
export async function showProgress(
  stream: NodeJS.WriteStream,
  direction: 'pull' | 'push' = 'pull',
): Promise<ShownProgress> {
  const words = direction === 'pull' ? pullWords : pushWords
  if (!(stream as Partial<NodeJS.WriteStream>).isTTY) return lines(stream, words)
  const { default: library } = await import('cli-progress')
  return bars(new library.MultiBar(barOptions(stream, words.running)), words)
}

function barOptions(
  stream: NodeJS.WriteStream,
  moving: string,
): ConstructorParameters<typeof MultiBarOfLibrary>[0] {
  return {
    format: (
      options,
      { progress, value, total },
      payload: { readonly id: string; readonly text: string },
    ) => {
      const width = options.barsize ?? 40
      const done = Math.round(progress * width)
      const bar =
        payload.text === moving
          ? `[${'='.repeat(done)}${' '.repeat(width - done)}]  ${formatSize(value)}/${formatSize(total)}`
          : ''
      return `${payload.id}: ${payload.text} ${bar}`
    },
    stream,
    barsize: 40,
    hideCursor: true,
    clearOnComplete: false,
    gracefulExit: false,
    fps: 10,
  }
}

type Words = Readonly<Record<'waiting' | 'exists' | 'running' | 'retrying' | 'done', string>>

const pullWords: Words = {
  waiting: 'Waiting',
  exists: 'Already exists',
  running: 'Downloading',
  retrying: 'Retrying',
  done: 'Download complete',
}

const pushWords: Words = { ...pullWords, exists: 'Layer already exists', running: 'Pushing', done: 'Pushed' }

/** Follows which blobs are layers: the config is told by nobody. */
function layerFilter(): (event: TransferEvent) => boolean {
  let configs = new Set<string>()
  return (event) => {
    if (event.kind === 'manifest') {
      configs = new Set(
        event.blobs
          .filter(({ mediaType }) => !mediaType.includes('layer') && !mediaType.includes('rootfs'))
          .map(({ digest }) => digest),
      )
    }
    return event.kind !== 'blob' || !configs.has(event.digest)
  }
}

function bars(multi: MultiBarOfLibrary, words: Words): ShownProgress {
  const shown = new Map<string, SingleBar>()
  const isShown = layerFilter()
  return {
    onEvent(event) {
      if (!isShown(event) || event.kind !== 'blob') return
      const { digest, size, transferred, status } = event
      const payload = { id: shortId(digest), text: words[status] }
      const bar = shown.get(digest) ?? multi.create(size, transferred, payload)
      shown.set(digest, bar)
      bar.update(status === 'done' || status === 'exists' ? size : transferred, payload)
    },
    [Symbol.dispose]() {
      if (multi.isActive) multi.stop() // a second time it would move the cursor
    },
  }
}

function lines(stream: NodeJS.WriteStream, words: Words): ShownProgress {
  const last = new Map<string, string>()
  const isShown = layerFilter()
  const print = (text: string): void => {
    if (isReadable(stream)) stream.write(`${text}\n`)
  }
  return {
    onEvent(event) {
      if (!isShown(event)) return
      if (event.kind === 'manifest') print(`${shortName(event.reference)}: ${event.digest}`)
      if (event.kind !== 'blob' || last.get(event.digest) === event.status) return
      last.set(event.digest, event.status)
      if (event.status !== 'waiting') print(`${shortId(event.digest)}: ${words[event.status]}`)
    },
    [Symbol.dispose]: () => undefined,
  }
}

import { join } from 'node:path'
import { plainCodec } from './codec.js'
import { ContainerLog } from './container-log.js'
import type { LogPlace } from './driver.js'
import { FileSink } from './file-sink.js'
import { cacheOf, driverOf } from './log-config.js'
import { NonBlocking } from './non-blocking.js'
import { parseLogSize } from './sizes.js'
import { attributesWithTag, type LogSource } from './source.js'

/**
 * The log of a container. Nothing is opened before there is output.
 *
 * @param type - Name of the driver; it and the options of `source` were checked when the container was made.
 */
export function openLog(type: string, source: LogSource, place: LogPlace): ContainerLog {
  if (type === 'none') return new ContainerLog({ sinks: [], readable: undefined, path: '', attributes: {} })
  const { mode, 'max-buffer-size': buffer = '1m' } = source.config
  const { sink, readable, path = '' } = driverOf(type).open(source, place)
  const main =
    mode === 'non-blocking' ? new NonBlocking(sink, parseLogSize(buffer, 1024), place.onError) : sink
  const limits = readable === undefined ? cacheOf(source.config) : undefined
  const cache =
    limits && new FileSink(join(place.folder, 'container-cached.log'), plainCodec, limits, place.onError)
  return new ContainerLog({
    sinks: cache === undefined ? [main] : [main, cache],
    readable: readable ?? cache,
    path,
    attributes: attributesWithTag(source),
  })
}

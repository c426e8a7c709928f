import { join } from 'node:path'
import { badRequest } from '../errors.js'
import { jsonCodec, plainCodec } from './codec.js'
import { FileSink } from './file-sink.js'
import type { LogDriver } from './driver.js'
import type { RotationLimits } from './rotated-file.js'
import { parseLogCount, parseLogFlag, parseLogSize } from './sizes.js'
import { attributesWithTag } from './source.js'

type Config = Readonly<Record<string, string>>

const rotationOptions = ['max-size', 'max-file', 'compress']

/** Docker's format, in which other programs read logs as well. Without `max-size` it grows for ever, as Docker's. */
export const jsonFile: LogDriver = {
  options: rotationOptions,
  unknown: (option) => `unknown log opt '${option}' for json-file log driver`,
  check: (config) => void limitsOfJsonFile(config),
  open(source, { folder, onError }) {
    const path = join(folder, `${source.id}-json.log`)
    const attributes = attributesWithTag(source)
    const sink = new FileSink(path, jsonCodec(attributes), limitsOfJsonFile(source.config), onError)
    return { sink, readable: sink, path }
  },
}

/** Smaller and bounded from the start: 5 files of 20 MB, those that are full compressed. */
export const local: LogDriver = {
  options: rotationOptions,
  unknown: (option) => `unknown log opt '${option}' for log driver local`,
  check: (config) => void limitsOfLocal(config),
  open(source, { folder, onError }) {
    const path = join(folder, 'local-logs', 'container.log')
    const sink = new FileSink(path, plainCodec, limitsOfLocal(source.config), onError)
    return { sink, readable: sink }
  },
}

/**
 * Limits of the driver `local`, and of the cache.
 *
 * @throws `ApiError` 400 with Docker's words.
 */
export function limitsOfLocal(config: Config): RotationLimits {
  const size = config['max-size']
  const maxSize = size === undefined ? 20 * 1024 * 1024 : parseLogSize(size, 1000)
  const maxFiles = parseLogCount(config['max-file'] ?? '5')
  const compress = parseLogFlag(config['compress'] ?? 'true')
  if (maxSize <= 0) throw badRequest('max size must be a positive number')
  if (maxFiles < 1) throw badRequest('max file count cannot be less than 1')
  if (compress && maxFiles < 2 && config['compress'] !== undefined)
    throw badRequest('compression cannot be enabled when max file count is 1')
  return { maxSize, maxFiles, compress: compress && maxFiles > 1 }
}

function limitsOfJsonFile(config: Config): RotationLimits {
  const size = config['max-size']
  const maxSize = size === undefined ? undefined : parseLogSize(size, 1000)
  const maxFiles = parseLogCount(config['max-file'] ?? '1')
  const compress = parseLogFlag(config['compress'] ?? 'false')
  if (maxSize !== undefined && maxSize <= 0) throw badRequest('max-size must be a positive number')
  if (maxFiles < 1) throw badRequest('max-file cannot be less than 1')
  if (compress && (maxFiles === 1 || maxSize === undefined))
    throw badRequest('compress cannot be true when max-file is less than 2 or max-size is not set')
  return { maxSize, maxFiles, compress }
}

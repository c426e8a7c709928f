import { closeSync, openSync, writeSync } from 'node:fs'
import { RuntimeError } from '../errors.js'

/** Levels of a message, from the least important on, by their names in a log. */
export type LogLevel = 'debug' | 'info' | 'warning' | 'error'

/** Where a runtime says what it does. */
export interface Log {
  debug(message: string): void
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}

/** A log that nobody reads. */
export const noLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/** Settings of {@link openLog}, as the global flags of the command line have them. */
export interface LogOptions {
  /** File to append to, made when it is not there. Default: standard error. */
  readonly file?: string | undefined
  /** A JSON object or `name=value` pairs a line. Default `'text'`. */
  readonly format?: 'text' | 'json' | undefined
  /** Also what only matters to whoever looks for a mistake. Default false. */
  readonly debug?: boolean | undefined
}

/** A log that is written to a file. */
export interface FileLog extends Log, Disposable {
  /**
   * The last message of a command that failed: goes into the log, and to standard error as plain text where the log
   * is elsewhere.
   */
  fatal(message: string): void
}

/** Characters of a message that are kept: readers of such logs read whole lines into memory. */
const MAX_MESSAGE = 32 * 1024

const STDERR = 2

/**
 * Opens a log in the form that callers of OCI runtimes read: JSON lines with `level`, `msg` and `time`, or the text
 * form of the same.
 *
 * A message that cannot be written, because the disk is full, is dropped: no command fails for it.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: the file cannot be opened.
 */
export function openLog({ file, format = 'text', debug = false }: LogOptions = {}): FileLog {
  const fd = file === undefined ? STDERR : openForAppending(file)
  const line = format === 'json' ? jsonLine : textLine
  let open = true
  const write = (level: LogLevel, message: string): void => {
    if (open) writeAll(fd, line(level, bounded(message), now()))
  }
  return {
    debug(message) {
      if (debug) write('debug', message)
    },
    info(message) {
      write('info', message)
    },
    warn(message) {
      write('warning', message)
    },
    error(message) {
      write('error', message)
    },
    fatal(message) {
      write('error', message)
      if (fd !== STDERR) writeAll(STDERR, `${bounded(message)}\n`)
    },
    [Symbol.dispose]() {
      if (open && fd !== STDERR) closeSync(fd)
      open = false
    },
  }
}

function openForAppending(file: string): number {
  try {
    return openSync(file, 'a', 0o644)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new RuntimeError('ERR_RUNTIME_INVALID_ARG', `cannot open the log file ${file}: ${String(code)}`, {
      cause,
    })
  }
}

function bounded(message: string): string {
  if (message.length <= MAX_MESSAGE) return message
  return `${message.slice(0, MAX_MESSAGE)}... (${message.length - MAX_MESSAGE} more characters)`
}

/** RFC 3339, in whole seconds. */
function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z')
}

function jsonLine(level: LogLevel, msg: string, time: string): string {
  return `${JSON.stringify({ level, msg, time })}\n`
}

function textLine(level: LogLevel, message: string, time: string): string {
  return `time="${time}" level=${level} msg=${quoted(message)}\n`
}

/** In double quotes unless it is a plain word. Nothing of a message can begin a line or steer a terminal. */
function quoted(text: string): string {
  if (/^[\w./@^+-]+$/.test(text)) return text
  // what JSON leaves as it is, but is no character to be seen: DEL, C1 controls, separators, writing directions
  const invisible = /[\u007f-\u00a0\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g
  return JSON.stringify(text).replace(
    invisible,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text)
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done)
  } catch {
    // a full disk, or a reader that is gone or does not read
  }
}

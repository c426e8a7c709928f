import { mkdirSync, writeFileSync } from 'node:fs'

const compose = `
name: site
services:
  database:
    image: postgres:local
    volumes: [rows:/data]
    networks: [back]
    healthcheck:
      test: [CMD, pg_isready, -q, -h, 127.0.0.1, -d, postgres]
      interval: 300ms
      timeout: 1m
      retries: 1000
  cache:
    image: redis:local
    networks: [back]
    healthcheck:
      test: [CMD, redis-cli, ping]
      interval: 300ms
      timeout: 1m
      retries: 1000
  web:
    image: nginx:local
    ports: ['80']
    volumes: [./www:/www:ro]
    networks: [front, back]
    depends_on:
      database: {condition: service_healthy}
      cache: {condition: service_healthy}
    healthcheck:
      test: wget -qO /dev/null http://127.0.0.1/
      interval: 300ms
      timeout: 1m
      retries: 1000
  client:
    image: postgres:local
    profiles: [tools]
    environment: {PGHOST: database, PGDATABASE: postgres, PGCONNECT_TIMEOUT: 60}
    networks: [back]
    depends_on:
      database: {condition: service_healthy}
networks:
  front: {}
  back: {internal: true}
volumes:
  rows: {}
`

/** Writes a site of Debian's nginx, PostgreSQL and Redis into a folder: see `addDebianImages`. */
export function writeSite(folder: string): void {
  mkdirSync(`${folder}/www`, { recursive: true })
  writeFileSync(`${folder}/compose.yaml`, compose)
  writeFileSync(`${folder}/www/index.html`, 'a page')
}

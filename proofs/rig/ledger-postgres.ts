/** The PostgreSQL of the proofs is that of the tests. */
export { postgresBinaries, startPostgres, type TestPostgres as ProofPostgres } from '../../test/support/postgres.ts'

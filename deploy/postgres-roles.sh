#!/bin/sh
# Two roles in the bot's database: the owner makes and changes tables, the app uses them and can do no more (S20).
# The PostgreSQL image runs this once, when its volume is new; on a server of your own, run it as a superuser with
# PGDATABASE (or POSTGRES_DB), OWNER_PASSWORD and APP_PASSWORD set.
set -eu
# psql takes the passwords from its environment: everybody on the machine can read its arguments (S22).
: "${OWNER_PASSWORD:?}" "${APP_PASSWORD:?}"
export OWNER_PASSWORD APP_PASSWORD
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 ${POSTGRES_USER:+--username "$POSTGRES_USER"} \
    --dbname "${POSTGRES_DB:-${PGDATABASE:?}}" \
    --set owner="${OWNER_ROLE:-enlace_owner}" --set app="${APP_ROLE:-enlace_app}" <<'SQL'
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD
-- A server that logs statements would keep the passwords.
SET log_statement = 'none';
CREATE ROLE :"owner" LOGIN PASSWORD :'owner_password';
CREATE ROLE :"app" LOGIN PASSWORD :'app_password';
SELECT current_database() AS this \gset
REVOKE ALL ON DATABASE :"this" FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT CONNECT ON DATABASE :"this" TO :"owner", :"app";
GRANT USAGE, CREATE ON SCHEMA public TO :"owner";
GRANT USAGE ON SCHEMA public TO :"app";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"app";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO :"app";
SQL

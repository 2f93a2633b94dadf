"""One night by Airflow: the end of the data interval is the moment of the night, also in a backfill."""

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG(
    "orchestrator_nightly",
    schedule="30 2 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Vienna"),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 0},  # a second try would meet the same cap, key or manifest
):
    BashOperator(
        task_id="run",
        cwd="/srv/orchestrator",
        bash_command="orchestrator run jobs/nightly.yaml --yes --at {{ data_interval_end.isoformat() }}",
        skip_on_exit_code=[3, 4],  # some jobs failed, or a cap was reached: the next night goes on
    )

"""What the code server of the benchmark of queues serves: five jobs, each with a pool of its own."""

import dagster as dg


def job_of(number):
    @dg.op(name=f"op_{number}", pool=f"pool_{number}")
    def step():
        pass

    @dg.job(name=f"job_{number}")
    def job():
        step()

    return job


defs = dg.Definitions(jobs=[job_of(number) for number in range(5)])

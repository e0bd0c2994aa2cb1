"""Gradient-boosted trees on Spark ML: does a tumour reach beyond the prostate's capsule?

A plain script, with nothing of Dagster or of this project in it: `spark-submit job.py FILE`, where
FILE is in libsvm format. It prints some predictions, the model and its error on held-back rows.
"""

import sys

from pyspark.ml import Pipeline
from pyspark.ml.classification import GBTClassifier
from pyspark.ml.evaluation import MulticlassClassificationEvaluator
from pyspark.ml.feature import StringIndexer, VectorIndexer
from pyspark.sql import SparkSession

SEED = 7


def main(path: str) -> None:
    """Fit on seven rows of ten, judge by the other three."""
    spark = SparkSession.builder.appName("gbt_example").getOrCreate()
    rows = spark.read.format("libsvm").load(path)

    # Both look at all rows, so that no label and no category of the held-back ones is unknown.
    labels = StringIndexer(inputCol="label", outputCol="indexed_label").fit(rows)
    # Features of at most five values are categories; trees then split them by membership.
    features = VectorIndexer(
        inputCol="features", outputCol="indexed_features", maxCategories=5
    ).fit(rows)
    trees = GBTClassifier(
        labelCol="indexed_label", featuresCol="indexed_features", maxIter=10, seed=SEED
    )

    training, held_back = rows.randomSplit([0.7, 0.3], seed=SEED)
    model = Pipeline(stages=[labels, features, trees]).fit(training)
    predictions = model.transform(held_back)
    predictions.select("prediction", "indexed_label", "features").show(5, truncate=False)

    judge = MulticlassClassificationEvaluator(
        labelCol="indexed_label", predictionCol="prediction", metricName="accuracy"
    )
    print(model.stages[-1])
    print(f"rows: {training.count()} to fit, {held_back.count()} held back")
    print(f"test error: {1 - judge.evaluate(predictions):.4f}")
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])
